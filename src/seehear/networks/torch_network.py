"""Networks that are torch modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seehear.device import resolve
from seehear.errors import SeehearError
from seehear.networks.session import in_chunks
from seehear.networks.spec import Batch, Network

MAX_NAMED = 3  # names of weights in a message


class TorchNetwork(Network):
    """A torch module from a batch, as `Network.features` takes it, to features (n, width)."""

    def __init__(
        self,
        module: nn.Module,
        device: str = "auto",
        *,
        front_end: Callable[[Any], NDArray[Any]] = np.asarray,
        chunk: int = 16,
    ) -> None:
        """Wrap a module.

        Args:
            module: From the output of the front end to features.
            device: auto, cpu or cuda.
            front_end: From a batch to the input of the module, in numpy.
            chunk: Items per run.
        """
        self._device = torch.device(resolve(device))
        self._module = module.to(self._device).eval()
        self._front_end = front_end
        self._chunk = chunk

    @torch.inference_mode()
    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return the features (n, width), computed chunk by chunk."""
        if len(batch) == 0:
            return self.features(np.zeros((1, *batch.shape[1:]), batch.dtype))[:0]
        pieces = [
            self._module(torch.from_numpy(np.ascontiguousarray(self._front_end(piece))).to(self._device)).float().cpu()
            for piece in in_chunks(batch, self._chunk)
        ]
        return np.concatenate([piece.numpy() for piece in pieces])

    def module(self) -> nn.Module:
        """Return the torch module itself, to be fine-tuned."""
        return self._module


class NormaliseFrames(nn.Module):
    """From frames (…, size, size, 3) uint8 to (…, 3, size, size) with mean 0 and standard deviation 1."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: tuple[float, float, float], deviation: tuple[float, float, float]) -> None:
        """Mean and standard deviation of red, green and blue, in [0, 1]."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the normalised frames (…, 3, size, size)."""
        x = (frames.float() / 255 - self.mean) / self.deviation  # (…, size, size, 3)
        return x.movedim(-1, -3)


def load_state(
    module: nn.Module,
    path: Path,
    what: str,
    *,
    rename: Callable[[str], str | None] = lambda name: name,
) -> nn.Module:
    """Load the weights of a torch or safetensors file into a module. File and module must hold the same weights.

    Args:
        module: Gets the weights.
        path: The file.
        what: The name of the network, for the message.
        rename: From a name in the file to the name in the module; None skips a weight.

    Returns:
        The module.

    Raises:
        SeehearError: The file can't be read or holds other weights; the message names what does not fit.
    """
    state = {new: tensor for name, tensor in _read(path, what).items() if (new := rename(name)) is not None}
    own = module.state_dict()
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # absent from older files
    missing = sorted(own.keys() - state.keys() - counters)
    extra = sorted(state.keys() - own.keys())
    reshaped = sorted(name for name in own.keys() & state.keys() if own[name].shape != state[name].shape)
    for names, fault in ((missing, "lacks"), (extra, "also has"), (reshaped, "has another shape of")):
        if names:
            more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            raise SeehearError(f"{path}: is not the weights of {what}: it {fault} {', '.join(names[:MAX_NAMED])}{more}")
    module.load_state_dict(state, strict=False)
    return module


def _read(path: Path, what: str) -> Mapping[str, Tensor]:
    import pickle

    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # whose own message advises to read it unsafely
        raise SeehearError(f"{path}: can't be read as the weights of {what}: it holds more than tensors") from None
    except Exception as error:  # of the reader, or of what it reads: the file is damaged
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SeehearError(f"{path}: can't be read as the weights of {what}: {reason}") from None
    content = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise SeehearError(f"{path}: holds no weights by name, as those of {what}")
    return content
