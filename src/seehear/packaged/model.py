"""The fused model of a package, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import Probabilities
from seehear.errors import SeehearError
from seehear.features.packed import Packed, modalities_of
from seehear.networks.onnx_file import OnnxFile
from seehear.networks.session import make_session
from seehear.packaged.graph import AVAILABLE, CLIP, MODALITY_CLIP, PRESENT, SEGMENT
from seehear.windows import Outputs, over_windows


class FusedModel:
    """Predicts from the features of clips, as the model that it was made of."""

    def __init__(self, file: OnnxFile, widths: Mapping[str, int], classes: int, device: str = "auto") -> None:
        """Open the graph.

        Args:
            file: The checked graph, see `seehear.packaged.graph`.
            widths: modality -> width of its features, of all its networks together.
            classes: Number of classes C.
            device: auto, cpu or cuda.

        Raises:
            SeehearError: If the graph has other inputs or outputs, or can't be opened.
        """
        if file.external:
            raise SeehearError(f"{file.path}: its model has weights outside of the package, which are not read")
        self._session = make_session(file, device)
        self._name, self._classes, self._widths = str(file.path), classes, dict(widths)
        expected = {name: ["time", width] for name, width in widths.items()}
        expected |= {PRESENT: ["time"], AVAILABLE: [len(widths)]}
        found = {each.name: list(each.shape[1:]) for each in self._session.get_inputs()}
        outputs = {each.name for each in self._session.get_outputs()}
        if found != expected or outputs != {SEGMENT, CLIP, MODALITY_CLIP}:
            raise SeehearError(f"{self._name}: its model does not fit its classes and networks; package the run again")

    def predict(self, packs: Mapping[str, Sequence[Packed]], window: int) -> Probabilities:
        """Return the probabilities of every segment of every clip, and of the clip around it.

        Args:
            packs: modality -> the features of each of its networks.
            window: Segments of the windows in which longer clips are processed.
        """
        first = next(iter(packs.values()))[0]
        offsets, lengths, available = first.offsets, first.lengths(), modalities_of(packs)
        has = np.ones((len(lengths), len(packs)), dtype=bool) if available is None else available  # (N, M)

        def forward(clip: NDArray[np.int64], start: NDArray[np.int64], length: NDArray[np.int64]) -> Outputs:
            time = np.arange(int(length.max()))
            present = time < length[:, None]  # (B, T)
            rows = (offsets[clip] + start)[:, None] + np.where(present, time, 0)  # (B, T)
            features = {
                name: np.concatenate([np.asarray(pack.rows[rows], np.float32) for pack in of_modality], axis=-1)
                for name, of_modality in packs.items()
            }
            return self._run({**features, PRESENT: present, AVAILABLE: has[clip]}, present.shape)

        return over_windows(forward, lengths, window, len(packs), self._classes)

    def _run(self, inputs: Mapping[str, NDArray[np.generic]], shape: tuple[int, ...]) -> Outputs:
        """Run the graph on B windows of T segments. Raises SeehearError if what it gives are no probabilities."""
        try:
            segment, clip, by_modality = self._session.run([SEGMENT, CLIP, MODALITY_CLIP], dict(inputs))
        except Exception as error:  # of ONNX Runtime, whose kinds have no common one
            raise SeehearError(f"{self._name}: its model can't be run: {str(error).splitlines()[0]}") from None
        n_windows, n_modalities = shape[0], len(self._widths)
        shapes = (
            (*shape, n_modalities, self._classes),
            (n_windows, self._classes),
            (n_windows, n_modalities, self._classes),
        )
        for found, expected in zip((segment, clip, by_modality), shapes, strict=True):
            # Sums of probabilities may exceed 1 by their rounding.
            if found.shape != expected or not (found >= 0).all() or not (found <= 1 + 1e-5).all():
                raise SeehearError(f"{self._name}: its model gave no probabilities of {self._classes} classes")
        return segment, clip, by_modality
