"""ONNX files: checked before ONNX Runtime opens them, so that nothing in them leads out of their folder.

The weights of a graph may lie in other files, at any path that the graph names. Operators may be none of ONNX's own,
and then come from libraries. A graph is still a program: it can compute for long, and take any amount of memory.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError

if TYPE_CHECKING:
    import onnx

MAX_BYTES = (1 << 31) - 1  # of a file, the limit of its format
DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml", "com.microsoft"))  # of the operators that ONNX Runtime has itself
FOREIGN = frozenset(("EPContext",))  # operators that load compiled code


@dataclass(frozen=True)
class OnnxFile:
    """A checked ONNX file.

    Attributes:
        path: Of the file.
        data: Its bytes.
        model: The graph; weights that lie in other files are not read.
        external: Whether there are such weights. All of them lie in the folder of the file.
    """

    path: Path
    data: bytes
    model: onnx.ModelProto
    external: bool


def check(path: Path) -> OnnxFile:
    """Read an ONNX file, without the weights that lie in other files.

    Raises:
        SeehearError: It can't be read, names a file outside of its folder or weights that aren't there, or needs
            operators that ONNX Runtime doesn't have.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SeehearError(f"{path}: is larger than an ONNX file can be ({MAX_BYTES} bytes)")
        data = path.read_bytes()
    except OSError as error:
        raise SeehearError(f"{path}: can't be read: {error.strerror}") from None
    return check_content(path, data)


def check_content(path: Path, data: bytes) -> OnnxFile:
    """Check the content of an ONNX file; see `check`. path: of the file, or of one that holds it."""
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(data)
    except Exception:  # of protobuf, which has more than one implementation
        raise SeehearError(f"{path}: is no ONNX file, or a damaged one") from None
    own = {(function.domain, function.name) for function in model.functions}
    for node in _nodes(model):
        if node.op_type in FOREIGN or (node.domain not in DOMAINS and (node.domain, node.op_type) not in own):
            name = f"{node.domain or 'ai.onnx'}.{node.op_type}"
            raise SeehearError(f"{path}: needs the operator {name}, which is not part of ONNX Runtime")
    external = False
    for tensor in _tensors(model):
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
            _check_external(path, tensor)
            external = True
    return OnnxFile(path, data, model, external)


def read(path: Path) -> onnx.ModelProto:
    """Read an ONNX file with all its weights. Raises SeehearError as `check`."""
    from onnx.external_data_helper import load_external_data_for_model

    checked = check(path)
    if checked.external:
        try:
            load_external_data_for_model(checked.model, str(path.parent))
        except Exception as error:  # its checker has its own kinds
            raise SeehearError(f"{path}: its weights can't be read: {error}") from None
    return checked.model


def _check_external(path: Path, tensor: Any) -> None:
    """Raise SeehearError if the weights of a tensor don't lie, whole, in a file in the folder of the ONNX file."""
    import numpy as np
    from onnx import helper

    facts = {entry.key: entry.value for entry in tensor.external_data}
    location = facts.get("location", "")
    shown = f"{path}: the weights {tensor.name!r} lie in {location!r}"
    parts = PurePosixPath(location).parts
    odd = any(sign in location for sign in "\\*\0") or PureWindowsPath(location).drive
    if (
        not parts
        or ".." in parts
        or PurePosixPath(location).is_absolute()
        or odd
        or len(facts) < len(tensor.external_data)
    ):
        raise SeehearError(f"{shown}, which is no path inside of its folder")
    file = Path(os.path.realpath(path.parent / location))
    if not file.is_relative_to(os.path.realpath(path.parent)) or not file.is_file():
        raise SeehearError(f"{shown}, which is no file in its folder")
    try:
        offset, length = int(facts.get("offset", 0)), int(facts.get("length", 0))
        size = math.prod(tensor.dims) * np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    except (ValueError, KeyError, TypeError):
        raise SeehearError(f"{shown}, at a place that is no number or of an unknown type") from None
    if offset < 0 or length < 0 or min(tensor.dims, default=0) < 0:
        raise SeehearError(f"{shown}, at a place below 0")
    packed = tensor.data_type in (tensor.UINT4, tensor.INT4)  # two numbers per byte
    if offset + max(length, size // 2 if packed else size) > file.stat().st_size:
        raise SeehearError(f"{shown}, which is too short for them")


def _graphs(model: onnx.ModelProto) -> Iterator[Any]:
    """The graph, those inside its attributes, and functions, which have nodes too."""
    waiting: list[Any] = [model.graph, *model.functions]
    for training in model.training_info:
        waiting += [training.initialization, training.algorithm]
    while waiting:
        graph = waiting.pop()
        yield graph
        for attribute in _attributes(graph):
            waiting += attribute.graphs
            if attribute.HasField("g"):
                waiting.append(attribute.g)


def _attributes(graph: Any) -> Iterator[Any]:
    """The attributes of the nodes of a graph or function, and the defaults of a function."""
    yield from getattr(graph, "attribute_proto", ())
    for node in graph.node:
        yield from node.attribute


def _nodes(model: onnx.ModelProto) -> Iterator[Any]:
    for graph in _graphs(model):
        yield from graph.node


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    """Every tensor of the model: constants of graphs, and attributes."""
    for graph in _graphs(model):
        sparse = list(getattr(graph, "sparse_initializer", ()))
        yield from getattr(graph, "initializer", ())
        for attribute in _attributes(graph):
            yield from (attribute.t, *attribute.tensors)
            sparse += [attribute.sparse_tensor, *attribute.sparse_tensors]
        for tensor in sparse:
            yield from (tensor.values, tensor.indices)
