"""The metrics of papers in plain loops, each from its definition and none from the code it checks."""

import math
from itertools import pairwise

import numpy as np

from scoring.oracle import events


def one_label(scores, active):
    """The class of each segment of a clip, from lists (T, C); None for background."""
    labels = []
    for row, on in zip(scores, active, strict=True):
        best = None
        for c, value in enumerate(row):
            if on[c] and (best is None or value > row[best]):
                best = c
        labels.append(best)
    return labels


def segment_accuracy(scores, active, true, lengths):
    """Share of segments of all clips whose class, or background, is right."""
    right = total = 0
    for n, length in enumerate(lengths):
        labels = one_label(scores[n].tolist(), active[n].tolist())
        for t in range(length):
            real = {c for c, on in enumerate(true[n, t]) if on}
            right += labels[t] in real if real else labels[t] is None
            total += 1
    return right / total


def ov_avel_f1(scores, active, true, lengths, level):
    """Per clip, the mean F1 of the rows that occur, the last row being background; the mean over clips."""
    of_clips = []
    for n, length in enumerate(lengths):
        classes = true.shape[2]
        labels = one_label(scores[n].tolist(), active[n].tolist())[:length]
        predicted = [[label == (None if c == classes else c) for label in labels] for c in range(classes + 1)]
        real = [[bool(true[n, t, c]) for t in range(length)] for c in range(classes)]
        real.append([not any(row[t] for row in real) for t in range(length)])
        f1 = []
        for p, r in zip(predicted, real, strict=True):
            if level == "segment":
                tp, fp, fn = (
                    sum((a, b) == pair for a, b in zip(p, r, strict=True))
                    for pair in ((True, True), (True, False), (False, True))
                )
            else:
                found, there = events(p), events(r)
                hit = [any(2 * len(a & b) >= len(a | b) for b in there) for a in found]
                missed = [not any(2 * len(a & b) >= len(a | b) for a in found) for b in there]
                tp, fp, fn = sum(hit), len(hit) - sum(hit), sum(missed)
            if tp + fp + fn:
                f1.append(2 * tp / (2 * tp + fp + fn))
        of_clips.append(sum(f1) / len(f1) if f1 else 1.0)
    return sum(of_clips) / len(of_clips)


def average_precision(predicted, true, least):
    """AP of one class. predicted: (clip, onset, offset, confidence); true: (clip, onset, offset)."""
    order = sorted(range(len(predicted)), key=lambda i: -predicted[i][3])
    taken = set()
    points = []  # recall, precision
    tp = 0
    for rank, i in enumerate(order, start=1):
        clip, onset, offset, _ = predicted[i]
        best, overlap = None, 0.0
        for j, (other, start, stop) in enumerate(true):
            if other != clip or j in taken:
                continue
            shared = max(0.0, min(offset, stop) - max(onset, start))
            value = shared / ((offset - onset) + (stop - start) - shared)
            if value >= least and (best is None or value > overlap):
                best, overlap = j, value
        if best is not None:
            taken.add(best)
            tp += 1
        points.append((tp / len(true), tp / rank))
    area, before = 0.0, 0.0
    for recall in sorted({recall for recall, _ in points}):
        area += (recall - before) * max(precision for r, precision in points if r >= recall)
        before = recall
    return area


def mean_average_precision(predicted, true, least):
    """Mean over classes with true events. predicted: clip, class, onset, offset, confidence; true: the first four."""
    values = []
    for c in sorted({row[1] for row in true}):
        own = [(row[0], *row[2:]) for row in predicted if row[1] == c]
        values.append(average_precision(own, [(row[0], *row[2:]) for row in true if row[1] == c], least))
    return sum(values) / len(values)


def segment_average_precision(scores, true):
    """Interpolated AP of one class, from (probability, true) of every segment; equal probabilities count at once."""
    pairs = list(zip(scores, true, strict=True))
    points = []  # recall, precision
    for least in sorted(set(scores), reverse=True):
        found = [hit for score, hit in pairs if score >= least]
        points.append((sum(found) / sum(true), sum(found) / len(found)))
    area, before = 0.0, 0.0
    for recall in sorted({recall for recall, _ in points}):
        area += (recall - before) * max(precision for r, precision in points if r >= recall)
        before = recall
    return area


def segment_map(scores, true, lengths):
    """Mean over classes with true segments. scores, true: (N, T, C)."""
    values = []
    for c in range(true.shape[2]):
        segments = [(n, t) for n, length in enumerate(lengths) for t in range(length)]
        hits = [bool(true[n, t, c]) for n, t in segments]
        if any(hits):
            values.append(segment_average_precision([float(scores[n, t, c]) for n, t in segments], hits))
    return sum(values) / len(values) if values else math.nan


def label_scores(predicted, true):
    """Micro F1, subset accuracy and hit rate over clips with a label, from sets of classes."""
    pairs = [(p, t) for p, t in zip(predicted, true, strict=True) if t]
    tp, fp, fn = (sum(map(len, each)) for each in zip(*((p & t, p - t, t - p) for p, t in pairs), strict=True))
    exact, hit = sum(p == t for p, t in pairs), sum(bool(p & t) for p, t in pairs)
    return 2 * tp / (2 * tp + fp + fn), exact / len(pairs), hit / len(pairs)


def confusion(alone, other, together, true):
    """Shares of clips with a label that the one, the other, or each alone gets right, and both together do not."""
    rows = [row for row in zip(alone, other, together, true, strict=True) if row[3]]
    first = [bool(a & t) and not g & t for a, _, g, t in rows]
    second = [bool(b & t) and not g & t for _, b, g, t in rows]
    return tuple(
        sum(each) / len(rows) for each in (first, second, [a and b for a, b in zip(first, second, strict=True)])
    )


def psds(scores, true, *, dtc, gtc, cttc=None, alpha_ct=0.0, alpha_st=1.0, most=100.0):
    """Area under the PSD-ROC. scores: (N, T, C) of segments of one second; true: (clip, class, onset, offset)."""
    n_clips, length, _ = scores.shape
    classes = sorted({row[1] for row in true})
    curves = []
    for c in classes:
        points = [(0.0, 0.0)]
        for threshold in sorted({float(v) for v in scores[:, :, c].ravel()}):
            tp = fp = 0
            triggers = dict.fromkeys([o for o in classes if o != c], 0)
            for n in range(n_clips):
                found = [(min(run), max(run) + 1) for run in events((scores[n, :, c] >= threshold).tolist())]
                own = [row[2:] for row in true if row[:2] == (n, c)]
                relevant = []
                for detection in found:
                    if _shared(detection, own) >= dtc * (detection[1] - detection[0]) - 1e-9:
                        relevant.append(detection)
                        continue
                    fp += 1
                    for o in triggers:
                        others = [row[2:] for row in true if row[:2] == (n, o)]
                        if cttc is not None and others:
                            triggers[o] += _shared(detection, others) >= cttc * (detection[1] - detection[0]) - 1e-9
                tp += sum(_shared(event, relevant) >= gtc * (event[1] - event[0]) - 1e-9 for event in own)
            rate = fp / (n_clips * length)
            if alpha_ct and triggers:
                seconds = {o: sum(row[3] - row[2] for row in true if row[1] == o) for o in triggers}
                rate += alpha_ct * sum(triggers[o] / seconds[o] for o in triggers) / len(triggers)
            points.append((3600 * rate, tp / sum(row[1] == c for row in true)))
        curves.append(points)
    edges = sorted({rate for points in curves for rate, _ in points if rate <= most} | {0.0, most})
    area = 0.0
    for start, stop in pairwise(edges):
        heights = [max(hit for rate, hit in points if rate <= start) for points in curves]
        mean = sum(heights) / len(heights)
        spread = math.sqrt(sum((h - mean) ** 2 for h in heights) / len(heights))
        area += (stop - start) * max(0.0, mean - alpha_st * spread)
    return area / most


def _shared(span, others):
    return sum(max(0.0, min(span[1], stop) - max(span[0], start)) for start, stop in others)


def sets(array):
    """The classes of each clip, from (N, C)."""
    return [set(np.flatnonzero(row).tolist()) for row in array]
