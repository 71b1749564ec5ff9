"""ONNX graphs built from arrays of weights, and changes to ONNX files. Each result is made once and cached.

A network that was published as a torch or Keras checkpoint is built layer by layer. Its batch norms are folded into
the convolutions before them. Running the result needs only ONNX Runtime.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.files import atomic_bytes
from seehear.networks import pins, portable
from seehear.networks.weights import WeightFile, cache_folder

if TYPE_CHECKING:
    import onnx

OPSET = 20
IR_VERSION = 9  # the version that came with OPSET, so that older runtimes can read the file

FLOAT32 = 1  # in ONNX

Array = NDArray[np.float32]
Padding = tuple[int, int, int, int]  # top, left, bottom, right


def converted(source: WeightFile, revision: str, build: Callable[[], onnx.ModelProto]) -> Path:
    """Return the ONNX file that `build` makes of a weight file. It is made once and cached.

    It is made again if it isn't the file that was made of these weights in this way, by the hash kept beside it.

    Args:
        source: The weight file, whose hash is part of the cached file's name.
        revision: Changes whenever `build` changes.
        build: Makes the model.
    """
    name = f"{source.name}-r{revision}.onnx"
    if (brought := portable.carried(name)) is not None:
        return brought
    path = cache_folder() / "converted" / f"{source.name}-{source.identity[:16]}-r{revision}.onnx"
    portable.note_converted(name, path)
    made_from = f"{source.identity}-r{revision}"
    if not _is_whole(path, made_from):
        data = build().SerializeToString()
        atomic_bytes(path, data)
        pins.write(path, pins.Pin(len(data), hashlib.sha256(data).hexdigest(), made_from))
    return path


def _is_whole(path: Path, made_from: str) -> bool:
    """Return whether a cached file is the one that was made, by its pin."""
    try:
        return path.is_file() and pins.read(path) == pins.Pin.of(path, made_from)
    except SeehearError:  # a damaged pin
        return False


@dataclass(frozen=True)
class BatchNorm:
    """A batch norm in evaluation: (x - mean) / sqrt(variance + epsilon) * scale + shift, each (channels,)."""

    scale: Array
    shift: Array
    mean: Array
    variance: Array
    epsilon: float

    @classmethod
    def from_state(cls, state: Mapping[str, Array], name: str, epsilon: float) -> BatchNorm:
        """Read the batch norm called `name` from a torch state dict."""
        scale, shift = state[f"{name}.weight"], state[f"{name}.bias"]
        return cls(scale, shift, state[f"{name}.running_mean"], state[f"{name}.running_var"], epsilon)

    def fold(self, weight: Array, bias: Array | None) -> tuple[Array, Array]:
        """Return weight (out, in, height, width) and bias (out,) of a convolution with this norm folded in."""
        gain = self.scale / np.sqrt(self.variance + self.epsilon)
        before = np.zeros_like(self.mean) if bias is None else bias
        return weight * gain[:, None, None, None], (before - self.mean) * gain + self.shift


def same_padding(size: int, kernel: int, stride: int) -> Padding:
    """Return TensorFlow's SAME padding of a square.

    ceil(size / stride) pixels remain. An odd pixel of padding comes last.

    Args:
        size: Width and height in pixels.
        kernel: Of the convolution, in pixels.
        stride: Of the convolution, in pixels.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before, after = total // 2, total - total // 2
    return before, before, after, after


class GraphBuilder:
    """Builds a graph node by node. Methods take and return names of tensors (batch, channels, height, width)."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []

    def input(self, name: str, shape: Sequence[int | str], dtype: type[np.generic] = np.float32) -> str:
        """Add an input of any batch size; `shape` is the shape of one item, with a name for what may have any size."""
        from onnx import helper

        element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, element, ["batch", *shape]))
        return name

    def frames(self, name: str, size: int, mean: Sequence[float], scale: float = 1.0) -> str:
        """Add an input of RGB frames (batch, size, size, 3) uint8; return (x - mean) * scale, channels second."""
        x = self._add("Cast", [self.input(name, (size, size, 3), np.uint8)], to=FLOAT32)
        x = self._add("Transpose", [x], perm=[0, 3, 1, 2])
        x = self._add("Sub", [x, self._constant(np.reshape(mean, (1, -1, 1, 1)))])
        return x if scale == 1.0 else self._add("Mul", [x, self._constant(scale)])

    def power(self, x: str, bases: Array) -> str:
        """Multiply two halves with their bases and add the squares: (batch, frames, bins).

        Args:
            x: (batch, 2, frames, samples).
            bases: (2, samples, bins).
        """
        x = self._add("MatMul", [x, self._constant(bases)])
        return self._add("ReduceSum", [self._add("Mul", [x, x]), self._axes([1])], keepdims=0)

    def log_mel(self, x: str, filters: Array, *, gain: float = 1.0, offset: float, scale: float = 1.0) -> str:
        """Compute log(gain * x @ filters + offset) * scale with one channel: (batch, 1, frames, bands).

        Args:
            x: Spectra, (batch, frames, bins).
            filters: (bins, bands).
            gain: Of the spectra.
            offset: Added before the logarithm.
            scale: Of the logarithm.
        """
        x = self._add("MatMul", [x, self._constant(gain * filters)])
        x = self._add("Log", [self._add("Add", [x, self._constant(offset)])])
        x = self._add("Unsqueeze", [x, self._axes([1])])
        return x if scale == 1.0 else self._add("Mul", [x, self._constant(scale)])

    def conv(
        self,
        x: str,
        weight: Array,
        bias: Array | None = None,
        *,
        stride: int = 1,
        padding: Padding = (0, 0, 0, 0),
        groups: int = 1,
        norm: BatchNorm | None = None,
    ) -> str:
        """Convolve, then apply a batch norm.

        Args:
            x: (batch, in, height, width).
            weight: (out, in / groups, height, width).
            bias: (out,).
            stride: In pixels, both ways.
            padding: Zeros at top, left, bottom and right.
            groups: Of channels that are convolved by themselves.
            norm: Batch norm of the result, folded into the weights.
        """
        if norm is not None:
            weight, bias = norm.fold(weight, bias)
        parameters = [weight] if bias is None else [weight, bias]
        return self._add(
            "Conv",
            [x, *map(self._constant, parameters)],
            strides=[stride, stride],
            pads=list(padding),
            group=groups,
            kernel_shape=list(weight.shape[2:]),
        )

    def relu(self, x: str) -> str:
        """Clip negative values to 0."""
        return self._add("Relu", [x])

    def relu6(self, x: str) -> str:
        """Clip values to [0, 6]."""
        return self._add("Clip", [x, self._constant(0.0), self._constant(6.0)])

    def hard_swish(self, x: str) -> str:
        """Compute x * clip(x / 6 + 1 / 2, 0, 1)."""
        return self._add("HardSwish", [x])

    def squeeze_excite(self, x: str, squeeze: tuple[Array, Array], excite: tuple[Array, Array]) -> str:
        """Weigh each channel by what the means of all channels give: two linear layers with ReLU, then a sigmoid.

        Args:
            x: (batch, channels, height, width).
            squeeze: Weight (fewer, channels) and bias (fewer,).
            excite: Weight (channels, fewer) and bias (channels,).
        """
        weights = self.gemm(self.relu(self.gemm(self.mean(x, axes=[2, 3]), *squeeze)), *excite)
        weights = self._add("Unsqueeze", [self._add("Sigmoid", [weights]), self._axes([2, 3])])
        return self._add("Mul", [x, weights])

    def add(self, x: str, y: str) -> str:
        """Add two tensors of the same shape."""
        return self._add("Add", [x, y])

    def max_pool(self, x: str, size: int = 2) -> str:
        """Take the maximum of each size × size square; incomplete squares at the right or bottom are dropped."""
        return self._add("MaxPool", [x], kernel_shape=[size, size], strides=[size, size])

    def average_pool(self, x: str, size: int = 2) -> str:
        """Take the mean of each size × size square; incomplete squares at the right or bottom are dropped."""
        return self._add("AveragePool", [x], kernel_shape=[size, size], strides=[size, size])

    def mean(self, x: str, axes: Sequence[int]) -> str:
        """Take the mean over axes and drop them; over (2, 3) it is global average pooling."""
        return self._add("ReduceMean", [x, self._axes(axes)], keepdims=0)

    def max(self, x: str, axes: Sequence[int]) -> str:
        """Take the maximum over axes and drop them."""
        return self._add("ReduceMax", [x, self._axes(axes)], keepdims=0)

    def gemm(self, x: str, weight: Array, bias: Array) -> str:
        """Apply a linear layer to (batch, in), with weight (out, in) and bias (out,)."""
        return self._add("Gemm", [x, self._constant(weight), self._constant(bias)], transB=1)

    def append(self, model: onnx.ModelProto, x: str) -> dict[str, str]:
        """Append another model of this opset with x as its only input. Return its outputs by name."""
        if [opset.version for opset in model.opset_import] != [OPSET]:
            raise ValueError(f"the model must be of opset {OPSET}")
        (own,) = model.graph.input
        for node in model.graph.node:
            node = type(node).FromString(node.SerializeToString())
            node.input[:] = [x if name == own.name else name for name in node.input]
            self._nodes.append(node)
        self._constants.extend(model.graph.initializer)
        return {output.name: output.name for output in model.graph.output}

    def model(self, ranks: Mapping[str, int] | None = None, **outputs: str) -> onnx.ModelProto:
        """Return the graph as a model.

        Args:
            ranks: Name -> number of axes of an output; by default two, (batch, width).
            **outputs: Name -> tensor.
        """
        from onnx import TensorProto, checker, helper

        named = [helper.make_node("Identity", [tensor], [name]) for name, tensor in outputs.items()]
        shapes = {name: ["batch"] + [None] * ((ranks or {}).get(name, 2) - 1) for name in outputs}
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
        graph = helper.make_graph([*self._nodes, *named], "network", self._inputs, infos, self._constants)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, producer_name="seehear", opset_imports=opsets, ir_version=IR_VERSION)
        checker.check_model(model)
        return model

    def _add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        (output,) = self._add_several(kind, inputs, 1, **attributes)
        return output

    def _add_several(self, kind: str, inputs: Sequence[str], count: int, **attributes: Any) -> list[str]:
        """Add a node of several outputs."""
        from onnx import helper

        outputs = [f"{kind}_{len(self._nodes)}" + (f"_{n}" if count > 1 else "") for n in range(count)]
        self._nodes.append(helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs

    def _constant(self, value: Array | float) -> str:
        return self._keep(np.array(value, np.float32))

    def _axes(self, axes: Sequence[int]) -> str:
        return self._keep(np.array(axes, np.int64))

    def _keep(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value, name))
        return name


def without_quantisation(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove each QuantizeLinear and DequantizeLinear from a model, so that it runs on its float weights.

    Quantised inputs and outputs become float32 and keep their names.
    """
    from onnx import ModelProto, TensorProto

    bypassed = ModelProto()
    bypassed.CopyFrom(model)
    graph = bypassed.graph
    pairs = {"QuantizeLinear", "DequantizeLinear"}
    origin = {node.output[0]: node.input[0] for node in graph.node if node.op_type in pairs}

    def source(name: str) -> str:
        while name in origin:
            name = origin[name]
        return name

    kept = [node for node in graph.node if node.op_type not in pairs]
    renamed = {source(output.name): output.name for output in graph.output}
    for node in kept:
        node.input[:] = [renamed.get(source(name), source(name)) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    used = {name for node in kept for name in node.input}
    constants = [constant for constant in graph.initializer if constant.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(kept)
    graph.initializer.extend(constants)
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.elem_type = TensorProto.FLOAT
    return bypassed


def with_dynamic_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """Free the first dimension of inputs, outputs and reshaped tensors of a model."""
    from onnx import ModelProto, numpy_helper

    freed = ModelProto()
    freed.CopyFrom(model)
    for value in [*freed.graph.input, *freed.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del freed.graph.value_info[:]
    shapes = {node.input[1] for node in freed.graph.node if node.op_type == "Reshape"}
    for constant in freed.graph.initializer:
        if constant.name in shapes:
            shape = numpy_helper.to_array(constant).copy()
            shape[0] = 0  # 0 keeps the size of the input
            constant.CopyFrom(numpy_helper.from_array(shape, constant.name))
    return freed


def with_outputs(model: onnx.ModelProto, **outputs: str) -> onnx.ModelProto:
    """Make tensors (batch, width) the outputs of a model, under these names, and remove the nodes that none needs."""
    from onnx import ModelProto, TensorProto, helper

    cut = ModelProto()
    cut.CopyFrom(model)
    graph = cut.graph
    needed = set(outputs.values())
    kept: list[Any] = []
    for node in reversed(graph.node):  # ONNX lists nodes in an order in which they can run
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    missing = set(outputs.values()) - {name for node in kept for name in node.output}
    if missing:
        raise ValueError(f"the graph has no tensor called {', '.join(sorted(missing))}")
    kept.reverse()
    kept += [helper.make_node("Identity", [tensor], [name]) for name, tensor in outputs.items()]
    constants = [constant for constant in graph.initializer if constant.name in needed]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None]) for name in outputs]
    del graph.node[:], graph.initializer[:], graph.output[:]
    graph.node.extend(kept)
    graph.initializer.extend(constants)
    graph.output.extend(infos)
    return cut
