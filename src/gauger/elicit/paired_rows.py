"""Pairs rows of a control with a teacher's rows: as many, of the same forms, and as long as the text permits.

A control of other lengths is trained on other amounts of text, which alone can make a difference. So every row of the
teacher's gets one of the pool's, of its own form and of the nearest length; what one pair is too long or too short by,
the next makes up for, so that the totals agree to about one row wherever the pool has longer and shorter texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

import numpy as np

from gauger.elicit.corpus import Corpus, Count, Text
from gauger.elicit.sample import plain_sample
from gauger.elicit.sources import distinct, made_of
from gauger.worlds import Wording, World

AGREES_WITHIN = 0.01
"""Difference of the totals, as a share of the teacher's, up to which a control counts as having its tokens."""
AS_NEAR = 0.05
"""Difference of two lengths, as a share of the teacher's row, within which a text that was used less often is preferred
to the nearest one."""
ANY_FORM = None
"""Stands for the forms of rows that the pool has no text of."""


def web_texts(world: World, forms: Sequence[str], rng: np.random.Generator) -> list[Wording]:
    """Word all that the base counts as having had, in the wanted forms, each text once; without any, running text."""
    if not forms:
        return distinct(world.web)
    return distinct(text for known in world.known.values() for text in world.word(known, forms, rng))


def paired_rows(
    world: World, rows: Sequence[Text], pool: Sequence[Wording], count: Count, rng: np.random.Generator
) -> Corpus:
    """Choose one text of the pool for each of a teacher's rows.

    Parameters
    ----------
    rows : sequence of Text
        What the arm is trained on; at least one row.
    pool : sequence of Wording
        Different texts to choose from; at least one.
    count : callable
        Samples -> their tokens.

    Returns
    -------
    Corpus
        As many samples as rows, in random order. The length that is wanted for a row of length L is L plus what the
        rows before it, in random order, have fallen short by; taken is, within 5 % of it, the text used least often, of
        these the nearest, else the nearest of all. So texts repeat where there are too few of a length; the ledger's
        distinct tokens show it. `notes` says how many rows found no text of their form (they get one of any form), and
        by how much the totals differ where that is more than 1 %.
    """
    forms = {text.form for text in pool}
    wanted: dict[str | None, list[int]] = {}
    own = [plain_sample(row.prompt, row.answer, "", "teacher", whole=row.whole) for row in rows]
    lengths = list(count(own))
    for row, length in zip(rows, lengths, strict=True):
        form = world.form_of(row.prompt)
        wanted.setdefault(form if form in forms else ANY_FORM, []).append(length)
    samples = [made_of(text, "question" if text.question else "text", "web") for text in pool]
    sizes = list(count(samples))
    chosen: list[int] = []
    for form in sorted(wanted, key=str):
        places = [place for place, text in enumerate(pool) if form is ANY_FORM or text.form == form]
        chosen += _paired(wanted[form], {place: sizes[place] for place in places}, rng)
    made = tuple(samples[chosen[place]] for place in rng.permutation(len(chosen)))
    return Corpus(made, tuple(_notes(len(wanted.get(ANY_FORM, [])), lengths, [sizes[place] for place in chosen])))


def _paired(lengths: Sequence[int], sizes: Mapping[int, int], rng: np.random.Generator) -> Iterator[int]:
    """Yield, for every length in random order, the place of a text; `sizes` are the texts' own lengths by place."""
    stacks: dict[int, list[int]] = {}
    for place in rng.permutation(list(sizes)):
        stacks.setdefault(sizes[int(place)], []).append(int(place))
    found, taken = np.array(sorted(stacks)), np.zeros(len(stacks), dtype=np.int64)
    held = np.array([len(stacks[int(size)]) for size in found])
    owed = 0
    for number in rng.permutation(len(lengths)):
        length = lengths[number] + owed
        away = np.abs(found - length)
        near = np.where(away <= max(AS_NEAR * lengths[number], away.min()), taken // held, inf)
        best = int(np.lexsort((away, near))[0])
        yield stacks[int(found[best])][taken[best] % held[best]]
        taken[best] += 1
        owed = length - int(found[best])


def _notes(astray: int, wanted: Sequence[int], got: Sequence[int]) -> Iterator[str]:
    if astray:
        yield f"{astray} of {len(wanted)} rows found no text of the teacher's form to be paired with"
    ratio = sum(got) / sum(wanted)
    if abs(ratio - 1) > AGREES_WITHIN:
        yield f"rows paired with the teacher's have {ratio:.1%} of its tokens: the text at hand has no nearer lengths"
