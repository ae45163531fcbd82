"""Words to training rows: what a corpus becomes when a tiny decoder learns it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from gauger.elicit.twin_teacher import Shown, Words
from gauger.train.tiny.rows import Rows, SoftTargets
from gauger.worlds.atlas.language import BEGIN, END, Language

SOFT = "soft.safetensors"
_FIELDS = ("first_N", "token_PK", "log_probability_PK")


def rows_of(language: Language, texts: Iterable[tuple[Words, Words, bool]], soft: SoftTargets | None = None) -> Rows:
    """Encode (prompt, answer, whole) texts; the answer and its end are learnt, the prompt too where `whole`."""
    kept = list(texts)
    tokens = language.pad([[BEGIN, *language.ids((*prompt, *answer)), END] for prompt, answer, _ in kept])
    starts = np.array([1 if whole else 1 + len(prompt) for prompt, _, whole in kept], dtype=np.int64)
    return Rows(tokens, starts, soft)


def stack_shown(shown: Sequence[Shown]) -> SoftTargets:
    """Put the log-probabilities of all answers one after the other."""
    lengths = np.array([len(answer.token_TK) for answer in shown], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    tokens = np.concatenate([answer.token_TK for answer in shown]).astype(np.int64)
    return SoftTargets(first, tokens, np.concatenate([answer.log_probability_TK for answer in shown]))


def save_soft(soft: SoftTargets, directory: Path) -> None:
    """Write soft targets beside a corpus."""
    save_file({name: np.ascontiguousarray(getattr(soft, name)) for name in _FIELDS}, str(directory / SOFT))


def load_soft(directory: Path) -> SoftTargets | None:
    """Read them back; None where the corpus has none."""
    path = directory / SOFT
    return SoftTargets(**load_file(str(path))) if path.exists() else None
