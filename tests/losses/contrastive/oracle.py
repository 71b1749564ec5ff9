"""The contrastive losses in plain loops, as Wu et al. print them (Sec. 3.3): one clip, one pair of segments at a time.

A clip is a list of vectors per modality and a mask of its segments. Lags are differences of the segments' own times, so
a masked segment leaves a gap.
"""

import math


def times_of(mask):
    return [t for t, inside in enumerate(mask) if inside]


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


def residual(kind, similarity, goal):
    difference = similarity - goal
    return {"squared": difference * difference, "absolute": abs(difference), "literal": difference}[kind]


def simclr(first, second, mask, temperature=0.1):
    """Eq. 4."""
    times, losses = times_of(mask), []
    for i in times:
        others = sum(math.exp(cosine(first[i], second[k]) / temperature) for k in times if k != i)
        if others:
            losses.append(-math.log(math.exp(cosine(first[i], second[i]) / temperature) / others))
    return sum(losses) / len(losses) if losses else 0.0


def time_weighted(first, second, mask, temperature=0.1, reading="clamped", exponent=5.0):
    """Eq. 5."""
    times, losses = times_of(mask), []
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
    mask,
    pairs="entire",
    kind="squared",
    within="first",
    reading="clamped",
    exponent=5.0,
    detached=None,
):
    """Eq. 6. detached: the two modalities that the targets come from, if other than the ones compared."""
    times, total, number = times_of(mask), 0.0, 0
    own = detached or (first, second)
    for j in times:
        for i in times:
            if pairs == "part" and i != j:
                continue
            goal = target(*own, i, j, within, reading, exponent)
            total += residual(kind, cosine(first[i], second[j]), goal)
            number += 1
    return total / number


def disjoint(firsts, seconds, labels, masks):
    """Of every clip of a batch."""
    losses = []
    active = [{c for c, y in enumerate(row) if y > 0.5} for row in labels]
    for n, own in enumerate(active):
        total, number = 0.0, 0
        for m, other in enumerate(active):
            if not own or not other or own & other:
                continue
            for i in times_of(masks[n]):
                for j in times_of(masks[m]):
                    total += cosine(firsts[n][i], seconds[m][j]) ** 2
                    number += 1
        losses.append(total / number if number else 0.0)
    return losses
