"""Trained parsing models as one ONNX graph, which needs no torch.

Inputs, for B windows of T segments:

    <modality>      (B, T, sum of widths) float32, for each modality
    present         (B, T) bool, True where a segment lies within its clip
    available       (B, M) bool, which modalities a clip has, at least one

Outputs, the probabilities of `seehear.fusion.pooling.Output`:

    segment         (B, T, M, C)
    clip            (B, C)
    modality_clip   (B, M, C)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seehear.networks.graph import FLOAT32, GraphBuilder

if TYPE_CHECKING:
    import onnx

    from seehear.fusion.attention import HybridAttention
    from seehear.fusion.model import ParsingModel

PRESENT, AVAILABLE = "present", "available"
SEGMENT, CLIP, MODALITY_CLIP = "segment", "clip", "modality_clip"

Tensors = list[str]  # one per modality


class _Outputs(NamedTuple):
    """Names of the tensors of a model's probabilities."""

    segment: str
    clip: str
    modality_clip: str


def fused(models: Sequence[ParsingModel]) -> onnx.ModelProto:
    """Return models of the same modalities and classes as one graph. Of several, it gives the means.

    Args:
        models: One per seed.
    """
    first = models[0]
    graph = FusionGraph(first.modalities, [len(first.get_buffer(f"mean_{name}")) for name in first.modalities])
    every = [graph.parsed(model) for model in models]
    means = [graph.mean_of(tensors) for tensors in zip(*every, strict=True)]
    return graph.model({SEGMENT: 4, MODALITY_CLIP: 3}, **dict(zip((SEGMENT, CLIP, MODALITY_CLIP), means, strict=True)))


class FusionGraph(GraphBuilder):
    """Builds the graph of `ParsingModel`. Methods take and return names of tensors, (B, T, d) if nothing else is said.

    Each modality is a tensor of its own: with the two or three that there are, nothing is gained by stacking them.
    """

    def __init__(self, modalities: Sequence[str], widths: Sequence[int]) -> None:
        """Make the inputs. widths: of the features of each modality."""
        super().__init__()
        self._features = [self.input(name, ("time", width)) for name, width in zip(modalities, widths, strict=True)]
        present = self.input(PRESENT, ("time",), np.bool_)
        available = self.input(AVAILABLE, (len(modalities),), np.bool_)
        self._keys = self._add("Unsqueeze", [present, self._axes([1, 2])])  # (B, 1, 1, T)
        self._inside = self._add("Unsqueeze", [present, self._axes([2])])  # (B, T, 1)
        columns = [self._add("Gather", [available, self._axes([m])], axis=1) for m in range(len(modalities))]  # (B, 1)
        self._has = [self._add("Unsqueeze", [column, self._axes([2])]) for column in columns]  # (B, 1, 1)
        self._minus_infinity, self._lowest = self._constant(-np.inf), self._constant(float(np.finfo(np.float32).min))
        self._present, self._seen = present, dict[int, str]()  # window -> which keys a query sees

    def parsed(self, model: ParsingModel) -> _Outputs:
        """Add a model: the probabilities that its `forward` gives in evaluation."""
        mapped = [self._mapped(model, name, x) for name, x in zip(model.modalities, self._features, strict=True)]
        output = self._pooled(model, self._attended(model, mapped, cross=True))
        if not model.blend:
            return output
        alone = self._pooled(model, self._attended(model, mapped, cross=False))
        return _Outputs(*(self._lerp(full, apart, model.blend) for full, apart in zip(output, alone, strict=True)))

    def mean_of(self, tensors: Sequence[str]) -> str:
        """Return the mean of tensors of one shape."""
        return tensors[0] if len(tensors) == 1 else self._add("Mean", tensors)

    def _mapped(self, model: ParsingModel, modality: str, features: str) -> str:
        """Return the embeddings of a modality: centred and scaled features, the map t, the projection g."""
        centred = self._add("Sub", [features, self._weight(model.get_buffer(f"mean_{modality}"))])
        scaled = self._add("Mul", [centred, self._weight(model.get_buffer(f"scale_{modality}"))])
        mapped = self._linear(scaled, model.project[modality])
        projection = model.projection_of(modality)
        return mapped if projection is None else self._linear(mapped, projection)

    def _attended(self, model: ParsingModel, x: Tensors, cross: bool) -> Tensors:
        """Apply the attention layers."""
        for layer in model.layers:
            x = self._layer(layer, x, cross)  # type: ignore[arg-type]
        return x

    def _layer(self, layer: HybridAttention, x: Tensors, cross: bool) -> Tensors:
        """Apply one layer to all modalities."""
        parts = [self._split(self._linear(each, layer.into), 6) for each in x]  # q, k, v of self, and of cross
        result = []
        for m, (each, (qs, ks, vs, qc, _, _)) in enumerate(zip(x, parts, strict=True)):
            attended = self._linear(self._attend(layer, qs, ks, vs), layer.self_out)
            if cross and len(x) > 1:
                others = {o: self._attend(layer, qc, *parts[o][4:]) for o in range(len(x)) if o != m}
                attended = self._add("Add", [attended, self._of_available(layer, others)])
            normed = self._norm(self._add("Add", [each, attended]), layer.norm_attention)
            inner, _, _, outer = layer.feed_forward
            fed = self._linear(self.relu(self._linear(normed, inner)), outer)
            result.append(self._norm(self._add("Add", [normed, fed]), layer.norm_feed_forward))
        return result

    def _of_available(self, layer: HybridAttention, others: dict[int, str]) -> str:
        """Return the mean of the attention to the other modalities that a clip has; 0 if it has none."""
        has = {o: self._add("Cast", [self._has[o]], to=FLOAT32) for o in others}  # (B, 1, 1)
        number = self._sum(list(has.values()))
        weighed = [self._add("Mul", [attended, has[o]]) for o, attended in others.items()]
        mean = self._add("Div", [self._sum(weighed), self._add("Max", [number, self._constant(1.0)])])
        return self._add("Mul", [self._linear(mean, layer.cross_out), self._add("Min", [number, self._constant(1.0)])])

    def _attend(self, layer: HybridAttention, query: str, key: str, value: str) -> str:
        """Return scaled dot-product attention over the segments of each clip."""
        shape = self._keep(np.array([0, 0, layer.heads, -1]))

        def by_head(x: str, order: Sequence[int]) -> str:
            return self._add("Transpose", [self._add("Reshape", [x, shape])], perm=list(order))

        width = layer.self_out.in_features // layer.heads
        q, v = by_head(query, (0, 2, 1, 3)), by_head(value, (0, 2, 1, 3))  # (B, heads, T, d / heads)
        products = self._add("MatMul", [q, by_head(key, (0, 2, 3, 1))])  # (B, heads, T, T)
        scaled = self._add("Mul", [products, self._constant(width**-0.5)])
        if layer.window:  # the lowest number: a query past the clip's end may see nothing, and stays finite
            masked = self._add("Where", [self._near(layer.window), scaled, self._lowest])
        else:
            masked = self._add("Where", [self._keys, scaled, self._minus_infinity])
        seen = self._add("MatMul", [self._add("Softmax", [masked], axis=-1), v])
        together = self._add("Transpose", [seen], perm=[0, 2, 1, 3])
        return self._add("Reshape", [together, self._keep(np.array([0, 0, -1]))])

    def _near(self, window: int) -> str:
        """Return which segments within a clip lie less than a window apart, (B, 1, T, T).

        Unlike the model, the graph makes all products and leaves some out. It keeps none of them for a way back.
        """
        if window not in self._seen:
            length = self._add("Squeeze", [self._add("Shape", [self._present], start=1, end=2)])
            begin, step = (self._keep(np.array(number, np.int64)) for number in (0, 1))
            time = self._add("Range", [begin, length, step])  # (T,)
            apart = self._add("Sub", [time, self._add("Unsqueeze", [time, self._axes([1])])])  # (T, T)
            near = self._add("Less", [self._add("Abs", [apart]), self._keep(np.array(window, np.int64))])
            self._seen[window] = self._add("And", [self._keys, near])
        return self._seen[window]

    def _pooled(self, model: ParsingModel, x: Tensors) -> _Outputs:
        """Return the probabilities from the attended embeddings."""
        probabilities, weighted, over_modalities = [], [], []
        for each, has in zip(x, self._has, strict=True):
            logit, over_time, over_modality = self._split(self._linear(each, model.pooling.into), 3)  # (B, T, C)
            known = self._add("Cast", [self._add("And", [self._inside, has])], to=FLOAT32)  # (B, T, 1)
            probability = self._add("Mul", [self._add("Sigmoid", [logit]), known])
            masked = self._add("Where", [self._inside, over_time, self._minus_infinity])
            probabilities.append(probability)
            weighted.append(self._add("Mul", [self._add("Softmax", [masked], axis=1), probability]))
            over_modalities.append(self._add("Where", [has, over_modality, self._minus_infinity]))
        together = self._stack(weighted)  # (B, T, M, C)
        shares = self._add("Softmax", [self._stack(over_modalities)], axis=2)
        whole = self._total(self._add("Mul", [together, shares]), [1, 2])
        clip = self._add("Min", [whole, self._constant(1.0)])  # the weights' products may sum to more than 1
        return _Outputs(self._stack(probabilities), clip, self._total(together, [1]))

    # Parts of a layer

    def _linear(self, x: str, layer: Any) -> str:
        """Apply a linear layer of torch."""
        product = self._add("MatMul", [x, self._constant(_numbers(layer.weight).T)])
        return self._add("Add", [product, self._weight(layer.bias)])

    def _norm(self, x: str, layer: Any) -> str:
        weights = [self._weight(layer.weight), self._weight(layer.bias)]
        return self._add("LayerNormalization", [x, *weights], axis=-1, epsilon=layer.eps)

    def _split(self, x: str, parts: int) -> Tensors:
        """Cut the last axis into equal parts."""
        return self._add_several("Split", [x], parts, axis=-1, num_outputs=parts)

    def _stack(self, tensors: Tensors) -> str:
        """Join tensors (B, T, C) to (B, T, M, C)."""
        return self._add("Concat", [self._add("Unsqueeze", [x, self._axes([2])]) for x in tensors], axis=2)

    def _total(self, x: str, axes: Sequence[int]) -> str:
        return self._add("ReduceSum", [x, self._axes(axes)], keepdims=0)

    def _sum(self, tensors: Tensors) -> str:
        return tensors[0] if len(tensors) == 1 else self._add("Sum", tensors)

    def _lerp(self, start: str, end: str, share: float) -> str:
        step = self._add("Mul", [self._add("Sub", [end, start]), self._constant(share)])
        return self._add("Add", [start, step])

    def _weight(self, tensor: Any) -> str:
        return self._constant(_numbers(tensor))


def _numbers(tensor: Any) -> NDArray[np.float32]:
    """Return a tensor of torch as an array."""
    array: NDArray[np.float32] = tensor.detach().cpu().float().numpy()
    return array
