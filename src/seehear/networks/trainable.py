"""ONNX graphs as torch modules, for fine-tuning.

Only the operators of the image networks in the registry are supported. Batch norms are folded into the convolutions,
so that training and evaluation compute the same function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.errors import SeehearError

if TYPE_CHECKING:
    import onnx

OUTPUT = "features"
TRAINED = {"Conv", "Gemm", "MatMul"}  # operators whose constants are trained
# Inputs, by position, that configure an operator: read once, as plain numbers.
SETTINGS: dict[str, tuple[int, ...]] = {"Clip": (1, 2), "ReduceMean": (1,), "Reshape": (1,)}
# Attributes that may be present with these values, which change nothing.
DEFAULTS = {"auto_pad": b"NOTSET", "ceil_mode": 0, "alpha": 1.0, "beta": 1.0, "allowzero": 0, "storage_order": 0}

Attributes = Mapping[str, Any]
Values = Sequence[Any]  # of the inputs that are settings: plain numbers, None if omitted
Operation = Callable[..., Tensor]


@dataclass(frozen=True)
class _Step:
    """One node: its operation, its input and output tensors by name, and the tensors that no later node needs."""

    operation: Operation
    inputs: tuple[str, ...]
    output: str
    done: tuple[str, ...]


class GraphModule(nn.Module):
    """The part of an ONNX graph that computes its output "features" (n, width)."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Raises SeehearError naming an operator or attribute that is not supported."""
        from onnx import numpy_helper

        super().__init__()
        graph = model.graph
        constants = {constant.name: constant for constant in graph.initializer}
        (self._input,) = (value.name for value in graph.input if value.name not in constants)
        nodes = _needed(graph.node)
        if unsupported := sorted({node.op_type for node in nodes} - OPERATIONS.keys()):
            raise SeehearError(f"can't train a graph with {', '.join(unsupported)}, only with {', '.join(OPERATIONS)}")
        trained = {name for node in nodes if node.op_type in TRAINED for name in node.input}
        trained |= _biases(nodes, constants)
        self._named: dict[str, str] = {}  # the name of a constant in the graph -> here
        self._steps: list[_Step] = []
        later: set[str] = {OUTPUT}
        for node in reversed(nodes):
            settings = SETTINGS.get(node.op_type, ())
            tensors = tuple(name for place, name in enumerate(node.input) if place not in settings)
            values = [
                numpy_helper.to_array(constants[node.input[place]]).tolist() if _given(node, place) else None
                for place in settings
            ]
            done = set(tensors) - later - set(constants)
            later |= set(tensors)
            self._steps.append(_Step(_operation(node, values), tensors, node.output[0], tuple(sorted(done))))
        self._steps.reverse()
        for name in (name for step in self._steps for name in step.inputs):
            if name in constants and name not in self._named:
                self._named[name] = re.sub(r"\W", "_", name)  # torch allows no dots
                value = torch.from_numpy(numpy_helper.to_array(constants[name]).copy())
                if name in trained:
                    self.register_parameter(self._named[name], nn.Parameter(value))
                else:
                    self.register_buffer(self._named[name], value)

    def forward(self, batch: Tensor) -> Tensor:
        """Compute features (n, width) of the input of the graph, such as frames (n, size, size, 3) uint8."""
        tensors = {name: getattr(self, here) for name, here in self._named.items()}
        tensors[self._input] = batch
        for step in self._steps:
            tensors[step.output] = step.operation(*(tensors[name] for name in step.inputs))
            for name in step.done:  # they take several times the memory of a batch
                del tensors[name]
        return tensors[OUTPUT]


class Prepared(nn.Module):
    """A module after a front end in numpy, which is not trained."""

    def __init__(self, front_end: Callable[[Any], NDArray[Any]], module: nn.Module) -> None:
        super().__init__()
        self._front_end = front_end
        self.module = module

    def forward(self, batch: Tensor) -> Tensor:
        """Run the front end on the CPU, then the module on the batch's device."""
        ready = np.ascontiguousarray(self._front_end(batch.cpu().numpy()))
        return self.module(torch.from_numpy(ready).to(batch.device))


def as_module(model: onnx.ModelProto) -> nn.Module:
    """Convert the graph from its input to "features" into a torch module, on CPU.

    Weights and biases of convolutions and linear layers are its parameters. Other constants, such as a mean, are
    buffers. Raises SeehearError naming an operator that is not supported.
    """
    return GraphModule(model)


def _needed(nodes: Sequence[Any]) -> list[Any]:
    """Return the nodes that "features" depends on, in order."""
    needed, kept = {OUTPUT}, []
    for node in reversed(nodes):  # ONNX lists nodes in an order in which they can run
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    if not kept:
        raise SeehearError(f"the graph has no output called {OUTPUT!r}")
    return kept[::-1]


def _biases(nodes: Sequence[Any], constants: Mapping[str, Any]) -> set[str]:
    """Return the constants that are added to a matrix product: its bias, which MatMul can't hold."""
    products = {node.output[0] for node in nodes if node.op_type == "MatMul"}
    sums = (node.input for node in nodes if node.op_type == "Add" and products & set(node.input))
    return {name for names in sums for name in names if name in constants}


def _given(node: Any, place: int) -> bool:
    return len(node.input) > place and bool(node.input[place])


def _operation(node: Any, values: Values) -> Operation:
    from onnx import helper

    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    make, known = OPERATIONS[node.op_type]
    for name, value in attributes.items():
        if name not in known and DEFAULTS.get(name) != value:
            raise SeehearError(f"can't train a graph with {name}={value!r} of {node.op_type}")
    return make(attributes, values)


def _conv(attributes: Attributes, _: Values) -> Operation:
    stride, dilation = attributes.get("strides", 1), attributes.get("dilations", 1)
    top, left, bottom, right = attributes.get("pads", [0] * 4)
    groups = attributes.get("group", 1)

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if (top, left) == (bottom, right):  # no copy
            return F.conv2d(x, weight, bias, stride, (top, left), dilation, groups)
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, stride, 0, dilation, groups)

    return run


def _max_pool(attributes: Attributes, _: Values) -> Operation:
    kernel, stride = attributes["kernel_shape"], attributes.get("strides", 1)
    top, left, bottom, right = attributes.get("pads", [0] * 4)

    def run(x: Tensor) -> Tensor:
        if any((top, left, bottom, right)):
            x = F.pad(x, (left, right, top, bottom), value=-torch.inf)
        return F.max_pool2d(x, kernel, stride)

    return run


def _average_pool(attributes: Attributes, _: Values) -> Operation:
    kernel, stride = attributes["kernel_shape"], attributes.get("strides", 1)
    return lambda x: F.avg_pool2d(x, kernel, stride)


def _gemm(attributes: Attributes, _: Values) -> Operation:
    turned = attributes.get("transB", 0)
    return lambda x, weight, bias=None: F.linear(x, weight if turned else weight.T, bias)


def _reduce_mean(attributes: Attributes, values: Values) -> Operation:
    (axes,) = values
    keep = bool(attributes.get("keepdims", 1))
    return lambda x: x.mean(axes, keepdim=keep)


def _reshape(_: Attributes, values: Values) -> Operation:
    (shape,) = values
    # 0 keeps the size of a dimension
    return lambda x: x.reshape([size or x.shape[place] for place, size in enumerate(shape)])


def _clip(_: Attributes, values: Values) -> Operation:
    low, high = values
    return lambda x: x.clamp(low, high)


def _cast(attributes: Attributes, _: Values) -> Operation:
    if attributes["to"] != 1:
        raise SeehearError("can't train a graph that casts to anything but float32")
    return lambda x: x.float()


def _transpose(attributes: Attributes, _: Values) -> Operation:
    axes = attributes["perm"]
    return lambda x: x.permute(axes)


def _plain(function: Operation) -> Callable[[Attributes, Values], Operation]:
    return lambda attributes, values: function


# How to make each operator from its attributes and settings, and the attributes that it supports.
OPERATIONS: dict[str, tuple[Callable[[Attributes, Values], Operation], frozenset[str]]] = {
    "Add": (_plain(torch.add), frozenset()),
    "AveragePool": (_average_pool, frozenset({"kernel_shape", "strides"})),
    "Cast": (_cast, frozenset({"to"})),
    "Clip": (_clip, frozenset()),
    "Conv": (_conv, frozenset({"dilations", "group", "kernel_shape", "pads", "strides"})),
    "Gemm": (_gemm, frozenset({"transB"})),
    "Identity": (_plain(lambda x: x), frozenset()),
    "MatMul": (_plain(torch.matmul), frozenset()),
    "MaxPool": (_max_pool, frozenset({"kernel_shape", "pads", "strides"})),
    "Mul": (_plain(torch.mul), frozenset()),
    "ReduceMean": (_reduce_mean, frozenset({"keepdims"})),
    "Relu": (_plain(torch.relu), frozenset()),
    "Reshape": (_reshape, frozenset()),
    "Sub": (_plain(torch.sub), frozenset()),
    "Transpose": (_transpose, frozenset({"perm"})),
}
