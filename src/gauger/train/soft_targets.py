"""Keeps what a teacher showed along texts: log-probabilities per token, stacked, on disk and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = "soft.safetensors"
_FIELDS = ("first_N", "token_PK", "log_probability_PK", "before_P", "thought_N")


@dataclass(frozen=True)
class Shown:
    """Log-probabilities at each learnt position of one text, its end mark included."""

    token_TK: NDArray[np.int64]
    """Token ids, most likely first."""
    log_probability_TK: NDArray[np.float32]
    """In nats; what is missing to 1 belongs to tokens not shown."""


@dataclass(frozen=True)
class SoftTargets:
    """A teacher's log-probabilities at every learnt position, row after row."""

    first_N: NDArray[np.int64]
    """Index of each row's first position in the arrays below."""
    token_PK: NDArray[np.int64]
    """Shown tokens, most likely first."""
    log_probability_PK: NDArray[np.float32]
    """Their log-probabilities in nats."""
    before_P: NDArray[np.int64] | None = None
    """Characters of the text before each position, white space aside (`alignment.py`); None: not kept."""

    thought_N: NDArray[np.int64] | None = None
    """Positions before each row's own text, of a thought that the model's chat template opened (`TokenRows.n_thought`);
    None: none of any."""

    def __len__(self) -> int:
        return len(self.first_N)


def stack_shown(shown: Sequence[Shown]) -> SoftTargets:
    """Put the log-probabilities of all rows one after the other; at least one row, all with the same K."""
    lengths = np.array([len(row.token_TK) for row in shown], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    tokens = np.concatenate([row.token_TK for row in shown]).astype(np.int64)
    return SoftTargets(first, tokens, np.concatenate([row.log_probability_TK for row in shown]))


def save_soft(soft: SoftTargets, directory: Path) -> None:
    """Write soft targets beside a corpus, as `soft.safetensors`.

    Parameters
    ----------
    soft : SoftTargets
        N rows with P positions of K shown tokens.
    directory : Path
        The corpus'; must be there. A file of before is written over.

    Notes
    -----
    Proof: tests/train/test_soft_targets.py (what is read back).
    """
    from safetensors.numpy import save_file

    arrays = {name: getattr(soft, name) for name in _FIELDS}
    kept = {name: np.ascontiguousarray(values) for name, values in arrays.items() if values is not None}
    save_file(kept, str(directory / FILE))


def load_soft(directory: Path) -> SoftTargets | None:
    """Read them back; None where the corpus has none."""
    from safetensors.numpy import load_file

    path = directory / FILE
    return SoftTargets(**load_file(str(path))) if path.exists() else None
