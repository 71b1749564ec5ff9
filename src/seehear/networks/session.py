"""Networks that are ONNX files, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear import telemetry
from seehear.device import thread_count
from seehear.errors import SeehearError
from seehear.networks import onnx_file
from seehear.networks.spec import Batch, Classifier, Dense, Network, Vocabulary

if TYPE_CHECKING:
    import onnx
    from torch import nn


def runtime() -> Any:
    """Import ONNX Runtime, which then reports nothing to its makers; see `seehear.telemetry`."""
    import onnxruntime

    if telemetry.is_off() and hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()  # it may have been imported before seehear
    return onnxruntime


def make_session(model: Path | onnx_file.OnnxFile, device: str = "auto", threads: int | None = None) -> Any:
    """Open an onnxruntime.InferenceSession.

    Args:
        model: The ONNX file, or one that was checked.
        device: "cpu", "cuda", or "auto" for CUDA if the installed ONNX Runtime has it.
        threads: Of one run on CPU; None for `thread_count()`.

    Raises:
        SeehearError: ONNX Runtime has no CUDA provider, there is no such device, or the file can't be used or reaches
            outside of its folder.
    """
    onnxruntime = runtime()
    if device not in ("auto", "cpu", "cuda"):
        raise SeehearError(f"device must be auto, cpu or cuda, not {device!r}")
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise SeehearError("this ONNX Runtime can't use CUDA: pip install onnxruntime-gpu, or choose device cpu")
    providers = ["CPUExecutionProvider"]
    if device != "cpu" and has_cuda:
        providers.insert(0, "CUDAExecutionProvider")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = threads or thread_count()
    options.inter_op_num_threads = 1
    # Spinning threads slow down decoding and numpy, which run between the calls, and gain little.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    checked = onnx_file.check(model) if isinstance(model, Path) else model
    content = str(checked.path) if checked.external else checked.data  # what was checked, even if the file changes now
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # its kinds have no common one
        raise SeehearError(f"{checked.path}: can't be opened by ONNX Runtime: {str(error).splitlines()[0]}") from None


def in_chunks(batch: Batch, size: int) -> Iterator[Batch]:
    """Split a batch into pieces of at most `size`, so that a long clip needs no more memory."""
    for start in range(0, len(batch), size):
        yield batch[start : start + size]


class OnnxNetwork(Network):
    """An ONNX file with one input and the outputs "features" and, if it has a classifier, "logits"."""

    def __init__(
        self,
        model: Path,
        device: str = "auto",
        *,
        front_end: Callable[[Any], NDArray[Any]] = np.asarray,
        class_names: Sequence[str] = (),
        class_ids: Sequence[str] = (),
        vocabulary: Vocabulary | None = None,
        chunk: int = 16,
        threads: int | None = None,
    ) -> None:
        """Open an ONNX file.

        Args:
            model: The file.
            device: auto, cpu or cuda.
            front_end: From a batch to the input of the file.
            class_names: Of the output "logits", if there is one.
            class_ids: Of the same classes in their vocabulary.
            vocabulary: The public list that the classes are from.
            chunk: Items per run.
            threads: Of one run on CPU.
        """
        self.class_names = tuple(class_names)
        self._class_ids, self._vocabulary = tuple(class_ids), vocabulary
        self._model = model
        self._session = make_session(model, device, threads)
        self._input = self._session.get_inputs()[0].name
        self._front_end = front_end
        self._chunk = chunk

    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return the output "features", (n, width)."""
        return self._run("features", batch)

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Return the output "logits", (n, classes). Raises NotImplementedError if the network has no classifier."""
        return self._run("logits", batch) if self.class_names else super().logits(batch)

    def classifier(self) -> Classifier | None:
        """Return the map from the output "features" to the output "logits"; None without a classifier.

        The part of the file between the two is affine, except for a hard swish. Each affine part is run on a basis.
        """
        if not self.class_names:
            return None
        model = onnx_file.read(self._model)
        source = _origin(model, "features")
        width = next(output for output in self._session.get_outputs() if output.name == "features").shape[-1]
        hidden = None
        for node in _between(model, source, "logits"):
            if node.op_type == "HardSwish":
                hidden = _affine(model, source, node.input[0], width)
                source, width = node.output[0], len(hidden.bias)
        last = _affine(model, source, "logits", width)
        return Classifier(last.weight, last.bias, self.class_names, self._vocabulary, self._class_ids, hidden)

    def module(self) -> nn.Module:
        """Return the network as a torch module, after its front end, to be fine-tuned."""
        from seehear.networks.trainable import Prepared, as_module

        module = as_module(onnx_file.read(self._model))
        return module if self._front_end is np.asarray else Prepared(self._front_end, module)

    def _run(self, output: str, batch: Batch) -> NDArray[np.float32]:
        if len(batch) == 0:  # not every node accepts an empty batch
            return self._run(output, np.zeros((1, *batch.shape[1:]), batch.dtype))[:0]
        pieces = [
            self._session.run([output], {self._input: self._front_end(piece)})[0]
            for piece in in_chunks(batch, self._chunk)
        ]
        return np.concatenate(pieces)


def _between(model: onnx.ModelProto, source: str, target: str) -> list[Any]:
    """Return the nodes that compute a tensor from another one, in order."""
    reached, nodes = {source}, []
    for node in model.graph.node:  # in an order in which they can run
        if reached & set(node.input):
            reached |= set(node.output)
            nodes.append(node)
    needed, kept = {target}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _affine(model: onnx.ModelProto, source: str, target: str, width: int) -> Dense:
    """Return the affine map from a tensor (n, width) of a graph to another one, by running it on a basis."""
    import onnx
    from onnx.utils import Extractor

    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    for name, shape in ((source, [None, width]), (target, [None, None])):
        declared = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        whole.graph.value_info.append(declared)  # of every tensor where a model is cut, the form must be known
    part = Extractor(whole).extract_model([source], [target])
    session = runtime().InferenceSession(part.SerializeToString(), providers=["CPUExecutionProvider"])
    (bias,) = session.run([target], {source: np.zeros((1, width), dtype=np.float32)})
    (images,) = session.run([target], {source: np.eye(width, dtype=np.float32)})  # (width, out)
    return Dense(images - bias, bias[0])


def _origin(model: onnx.ModelProto, name: str) -> str:
    """Return the tensor that a tensor is a copy of."""
    copies = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity"}
    while name in copies:
        name = copies[name]
    return name
