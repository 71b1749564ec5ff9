"""The scores in plain loops, as the definition reads: one clip, one class, one segment or event at a time."""

import numpy as np


def events(row):
    """Maximal runs of True, as sets of segments."""
    found, run = [], set()
    for t, on in enumerate([*row, False]):
        if on:
            run.add(t)
        elif run:
            found.append(run)
            run = set()
    return found


def counts(predicted, true, level, iou):
    """tp, fp, fn of one class in one clip."""
    if level == "segment":
        pairs = list(zip(predicted, true, strict=True))
        return tuple(pairs.count(pair) for pair in ((True, True), (True, False), (False, True)))
    p, t = events(predicted), events(true)

    def match(one, others):
        return any(len(one & other) / len(one | other) >= iou for other in others)

    tp = sum(match(one, t) for one in p)
    return tp, len(p) - tp, sum(not match(one, p) for one in t)


def clip_score(pairs, level, iou):
    """pairs: (predicted, true) of (T, C) arrays whose counts are pooled."""
    f1 = []
    for c in range(pairs[0][0].shape[1]):
        found = [counts(p[:, c].tolist(), t[:, c].tolist(), level, iou) for p, t in pairs]
        tp, fp, fn = (sum(column) for column in zip(*found, strict=True))
        if tp + fp + fn:
            f1.append(2 * tp / (2 * tp + fp + fn))
    return sum(f1) / len(f1) if f1 else 1.0


def scores(predicted, true, iou=0.5):
    """level -> score -> per cent, and the average."""
    names = list(true)
    joint = "_".join(names)
    n_clips = len(true[names[0]])
    result = {}
    for level in ("segment", "event"):
        sums = dict.fromkeys([*names, joint, "type_at_av", "event_at_av"], 0.0)
        for n in range(n_clips):
            pairs = {name: (predicted[name][n], true[name][n]) for name in names}
            both = tuple(np.logical_and.reduce(arrays) for arrays in zip(*pairs.values(), strict=True))
            kinds = {**pairs, joint: both} if len(names) > 1 else pairs
            each = {kind: clip_score([pair], level, iou) for kind, pair in kinds.items()}
            for kind, value in each.items():
                sums[kind] += value
            sums["type_at_av"] += sum(each.values()) / len(each)
            sums["event_at_av"] += clip_score(list(pairs.values()), level, iou)
        known = kinds if len(names) == 1 else sums  # of one modality, its own score is all there is
        result[level] = {name: 100 * sums[name] / n_clips for name in known}
    every = [value for level in result.values() for value in level.values()]
    return result, sum(every) / len(every)
