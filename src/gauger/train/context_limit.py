"""Decides what becomes of training rows that are longer than a model's context, by a rule that was declared.

A row that is cut loses the end of its answer, and with it the mark that ends it: a model that learns such rows learns
not to stop. A row whose prompt alone fills the context teaches nothing at all, with a loss of 0 that nobody sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gauger.errors import GaugerError
from gauger.spec import TooLong
from gauger.train.rows import Prompt, TokenRows

if TYPE_CHECKING:
    from gauger.train.engine import Model


def held_to_context(rows: TokenRows, rule: TooLong, context: int) -> TokenRows:
    """Return the rows that are trained on.

    Parameters
    ----------
    rows : TokenRows
        As an engine encodes them: cut to the context, with what each lost in `lost_N`.
    rule : {"refuse", "cut"}
        What was declared.
    context : int
        Longest text of the model in tokens, for the message.

    Returns
    -------
    TokenRows
        The rows themselves where none is too long. Otherwise those of which something is left to learn, with the
        numbers of the others in `left_out`.

    Raises
    ------
    GaugerError
        By `refuse`, where any row is too long: how many, and how long the longest is. By `cut`, where nothing is left.

    Notes
    -----
    Proof: tests/train/test_context_limit.py.
    """
    n_cut = int((rows.lost_N > 0).sum())
    if not n_cut:
        return rows
    if rule == "refuse":
        longest = int((rows.length_N + rows.lost_N).max())
        given = f"{n_cut} of {len(rows)} that are longer, the longest of {longest} tokens"
        hint = (
            "A checkpoint as student can have a longer context, or declare student.too_long: cut, which takes the ends "
            "off; a checkpoint or an endpoint as teacher can be asked for shorter answers (teacher.answer_tokens). A "
            "student that is trained from scratch holds its world's longest text, and no setting changes that: leave "
            "out the strategy or the forms whose texts are longer."
        )
        raise GaugerError(f"training rows of at most {context} tokens were expected, got {given}. {hint}")
    teaches = (rows.n_learnt > 0) | (rows.lost_N == 0)
    if not teaches.any():
        raise GaugerError(f"{context} tokens of context leave nothing to learn of any of the {len(rows)} rows")
    kept = rows.take(np.flatnonzero(teaches))
    return replace(kept, left_out=tuple(np.flatnonzero(~teaches).tolist()))


def without_room(model: Model, prompts: Sequence[Prompt], rule: TooLong) -> int:
    """Count the prompts that leave no room for an answer: whoever is asked them writes nothing, and learns nothing.

    Parameters
    ----------
    model : Model
        Who is to answer.
    prompts : sequence of Prompt
        What it is asked.
    rule : {"refuse", "cut"}
        What was declared.

    Raises
    ------
    GaugerError
        By `refuse`, where there is any such prompt; by `cut`, where there is no other.

    Notes
    -----
    Proof: tests/train/test_context_limit.py.
    """
    lengths = [len(model.encode_prompt(prompt)) for prompt in prompts]
    n_full = sum(length >= model.context for length in lengths)
    if n_full and (rule == "refuse" or n_full == len(lengths)):
        hint = (
            "A checkpoint as student can have a longer context, or declare student.too_long: cut, by which such "
            "prompts teach nothing and are counted."
        )
        raise GaugerError(
            f"prompts of less than {model.context} tokens, which leave room for an answer, were expected, got {n_full} "
            f"of {len(lengths)} that are longer, the longest of {max(lengths)} tokens. {hint}"
        )
    return n_full
