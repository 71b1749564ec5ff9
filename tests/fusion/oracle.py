"""The model's forward pass in numpy loops: one clip, one modality, one segment, one class at a time."""

import numpy as np


def linear(x, weights, name):
    return [
        sum(w * v for w, v in zip(row, x, strict=True)) + b
        for row, b in zip(weights[f"{name}.weight"], weights[f"{name}.bias"], strict=True)
    ]


def softmax(values):
    exponents = np.exp(np.array(values) - max(values))
    return exponents / exponents.sum()


def norm(x, weights, name):
    x = np.array(x)
    scaled = (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attend(queries, keys, values, heads):
    """Each segment's query against every segment's key, head by head."""
    width = len(queries[0]) // heads
    result = []
    for query in queries:
        joined = []
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            scores = [np.dot(query[part], key[part]) / np.sqrt(width) for key in keys]
            weighted = [w * np.array(value[part]) for w, value in zip(softmax(scores), values, strict=True)]
            joined += list(sum(weighted))
        result.append(np.array(joined))
    return result


def layer(x, weights, name, heads, cross=True):
    """x: modality -> its segments' vectors. cross: whether modalities attend to each other."""
    parts = {}
    for modality, segments in x.items():
        parts[modality] = [np.split(np.array(linear(v, weights, f"{name}.into")), 6) for v in segments]
    result = {}
    for modality, segments in x.items():
        columns = {m: list(zip(*rows, strict=True)) for m, rows in parts.items()}
        own = columns[modality]
        itself = [np.array(linear(v, weights, f"{name}.self_out")) for v in attend(own[0], own[1], own[2], heads)]
        others = [m for m in x if m != modality and cross]
        total = [np.array(v) + s for v, s in zip(segments, itself, strict=True)]
        if others:
            crossed = [attend(own[3], columns[m][4], columns[m][5], heads) for m in others]
            mean = [sum(vectors) / len(others) for vectors in zip(*crossed, strict=True)]
            total = [v + np.array(linear(c, weights, f"{name}.cross_out")) for v, c in zip(total, mean, strict=True)]
        done = []
        for v in total:
            v = norm(v, weights, f"{name}.norm_attention")
            inner = np.maximum(linear(v, weights, f"{name}.feed_forward.0"), 0)
            done.append(
                norm(v + linear(inner, weights, f"{name}.feed_forward.3"), weights, f"{name}.norm_feed_forward")
            )
        result[modality] = done
    return result


def forward(features, weights, layers, heads, classes, cross=True):
    """features: modality -> (T, width) of one clip. Segment (T, M, C), clip (C,) and modality (M, C) probabilities.

    cross: whether modalities attend to each other.
    """
    x = {
        m: [linear((v - weights[f"mean_{m}"]) * weights[f"scale_{m}"], weights, f"project.{m}") for v in segments]
        for m, segments in features.items()
    }
    for n in range(layers):
        x = layer(x, weights, f"layers.{n}", heads, cross)
    out = {
        m: [np.split(np.array(linear(v, weights, "pooling.into")), 3) for v in segments] for m, segments in x.items()
    }
    names = list(features)
    n_segments = len(features[names[0]])
    segment = np.zeros((n_segments, len(names), classes))
    clip, by_modality = np.zeros(classes), np.zeros((len(names), classes))
    for c in range(classes):
        for m, name in enumerate(names):
            over_time = softmax([row[1][c] for row in out[name]])
            for t in range(n_segments):
                segment[t, m, c] = 1 / (1 + np.exp(-out[name][t][0][c]))
                over_modalities = softmax([out[other][t][2][c] for other in names])
                by_modality[m, c] += over_time[t] * segment[t, m, c]
                clip[c] += over_time[t] * over_modalities[m] * segment[t, m, c]
    return segment, np.minimum(clip, 1), by_modality
