"""The contrastive losses in plain loops, as Wu et al. print them (Sec. 3.3): one clip, one pair of segments at a time.

A clip is a list of vectors for each modality, and of whether each segment is there. Lags are those of the segments' own
times: one that is missing leaves a gap.
"""

import math


def there(present):
    return [t for t, on in enumerate(present) if on]


def cosine(x, y):
    """0 with a zero vector."""
    product = sum(a * b for a, b in zip(x, y, strict=True))
    size = math.sqrt(sum(a * a for a in x)) * math.sqrt(sum(b * b for b in y))
    return product / size if size else 0.0


def lag_weight(i, j, reading="clamped", exponent=5.0):
    lag = abs(i - j)
    if reading == "clamped":
        return 1 / max(lag, 1) ** exponent
    return 1 / (lag + 1) ** exponent


def target(first, second, i, j, within="first", reading="clamped", exponent=5.0):
    if within == "both":
        own = 0.5 * cosine(first[i], first[j]) + 0.5 * cosine(second[i], second[j])
    else:
        own = cosine(first[i], first[j]) if within == "first" else cosine(second[i], second[j])
    return lag_weight(i, j, reading, exponent) * own


def residual(kind, similarity, wanted):
    difference = similarity - wanted
    return {"squared": difference * difference, "absolute": abs(difference), "literal": difference}[kind]


def simclr(first, second, present, temperature=0.1):
    """Eq. 4."""
    times, losses = there(present), []
    for i in times:
        others = sum(math.exp(cosine(first[i], second[k]) / temperature) for k in times if k != i)
        if others:
            losses.append(-math.log(math.exp(cosine(first[i], second[i]) / temperature) / others))
    return sum(losses) / len(losses) if losses else 0.0


def time_weighted(first, second, present, temperature=0.1, reading="clamped", exponent=5.0):
    """Eq. 5."""
    times, losses = there(present), []
    for i in times:
        others = 0.0
        for k in times:
            if k != i:
                lag = lag_weight(i, k, reading, exponent)
                others += math.exp(lag * cosine(first[i], second[k]) / temperature)
        if others:
            losses.append(-math.log(math.exp(cosine(first[i], second[i]) / temperature) / others))
    return sum(losses) / len(losses) if losses else 0.0


def mtsc(
    first,
    second,
    present,
    pairs="entire",
    kind="squared",
    within="first",
    reading="clamped",
    exponent=5.0,
    detached=None,
):
    """Eq. 6. detached: the two modalities that targets are of, where these are not the ones compared."""
    times, total, number = there(present), 0.0, 0
    own = detached or (first, second)
    for j in times:
        for i in times:
            if pairs == "part" and i != j:
                continue
            wanted = target(*own, i, j, within, reading, exponent)
            total += residual(kind, cosine(first[i], second[j]), wanted)
            number += 1
    return total / number


def softmax(values):
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def mtsc_soft(first, second, present, temperature=0.1, within="first", reading="clamped", exponent=5.0, detached=None):
    """Cross-entropy of what the similarities of a segment say against what their targets do."""
    times, total = there(present), 0.0
    own = detached or (first, second)
    for i in times:
        wanted = softmax([target(*own, i, j, within, reading, exponent) / temperature for j in times])
        said = softmax([cosine(first[i], second[j]) / temperature for j in times])
        total -= sum(p * math.log(q) for p, q in zip(wanted, said, strict=True))
    return total / len(times)


def disjoint(firsts, seconds, labels, presents):
    """Of all clips of a batch."""
    values = []
    for n, mine in enumerate(labels):
        mine = {c for c, y in enumerate(mine) if y > 0.5}
        total, number = 0.0, 0
        for m, theirs in enumerate(labels):
            theirs = {c for c, y in enumerate(theirs) if y > 0.5}
            if not mine or not theirs or mine & theirs:
                continue
            for i in there(presents[n]):
                for j in there(presents[m]):
                    total += cosine(firsts[n][i], seconds[m][j]) ** 2
                    number += 1
        values.append(total / number if number else 0.0)
    return values


def agreement(first, second, present):
    """Pearson's correlation of two lists of similarities, cut at 0."""
    times = there(present)
    pairs = [(i, j) for i in times for j in times if i != j]
    one = [cosine(first[i], first[j]) for i, j in pairs]
    other = [cosine(second[i], second[j]) for i, j in pairs]
    if not pairs or max(one) - min(one) < 1e-6 or max(other) - min(other) < 1e-6:
        return 0.0
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    product = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    size = math.sqrt(sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other))
    return max(0.0, product / size)
