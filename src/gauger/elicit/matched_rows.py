"""Draws rows of a control: as many as a teacher's, of its forms, with as many tokens, and else as the pool has them.

A control of other lengths is trained on other amounts of text, which alone can make a difference. But where the length
of a text tells what it is about, a control whose every row is as long as a teacher's row also takes over the teacher's
*choice of content*: it practises what the benchmark asks, and the uplift shrinks by what nobody's teacher gave. So only
the total is matched, by the draw that departs least from the pool: text i has the weight exp(λ lengthᵢ), which among
all weights with the wanted mean length has the smallest Kullback-Leibler divergence from an even draw (exponential
tilting; Csiszár 1975, I-divergence geometry, theorem 3.1). Proof in tests/elicit/test_matched_rows.py, beside the
pairing that fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import softmax

from gauger.elicit.corpus import Corpus, Text
from gauger.elicit.sample import plain_sample
from gauger.elicit.sample_rows import Count
from gauger.elicit.sources import distinct, made_of
from gauger.worlds import Wording, World

AGREES_WITHIN = 0.01
"""Difference of the totals, as a share of the teacher's, up to which a control counts as having its tokens."""
ANY_FORM = None
"""Stands for the forms of rows that the pool has no text of."""
STEEPEST = 200.0
"""Largest |λ| times the spread of lengths that is tried: beyond it only texts of the extreme length are drawn."""


def web_texts(world: World, forms: Sequence[str], rng: np.random.Generator) -> list[Wording]:
    """Word all that the base counts as having had, in the wanted forms, each text once; without any, running text."""
    if not forms:
        return distinct(world.web)
    return distinct(text for known in world.known.values() for text in world.word(known, forms, rng))


def matched_rows(
    world: World, rows: Sequence[Text], pool: Sequence[Wording], count: Count, rng: np.random.Generator
) -> Corpus:
    """Draw one text of the pool for each of a teacher's rows, so that the totals agree.

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
        As many samples as rows, in random order, of each form as many as the teacher's. Within a form, text i is drawn
        n wᵢ times, up or down to a whole number, with wᵢ ∝ exp(λ lengthᵢ) and λ such that the mean length is the
        wanted one; then single rows are exchanged until the totals agree as nearly as single exchanges can make them.
        Where the pool has the teacher's mean length, λ is 0 and every text is used equally often. Texts repeat where
        there are too few; the ledger's distinct tokens show it. `notes` says how many rows found no text of their form
        (they get one of any form), and by how much the totals differ where that is more than 1 %.
    """
    forms = {text.form for text in pool}
    wanted: dict[str | None, list[int]] = {}
    own = [plain_sample(row.prompt, row.answer, "", "teacher", whole=row.whole) for row in rows]
    lengths = list(count(own))
    for row, length in zip(rows, lengths, strict=True):
        form = world.form_of(row.prompt)
        wanted.setdefault(form if form in forms else ANY_FORM, []).append(length)
    samples = [made_of(text, "question" if text.question else "text", "web") for text in pool]
    sizes = np.array(count(samples))
    chosen: list[int] = []
    owed = 0
    for form in sorted(wanted, key=str):
        places = np.array([place for place, text in enumerate(pool) if form is ANY_FORM or text.form == form])
        total = sum(wanted[form]) + owed
        times = drawn_times(sizes[places], len(wanted[form]), total, rng)
        owed = total - int(times @ sizes[places])
        chosen += list(np.repeat(places, times))
    made = tuple(samples[chosen[place]] for place in rng.permutation(len(chosen)))
    return Corpus(made, tuple(_notes(len(wanted.get(ANY_FORM, [])), lengths, [int(sizes[place]) for place in chosen])))


def drawn_times(sizes: NDArray[np.integer], rows: int, total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw how often each text is used, so that `rows` rows have `total` tokens and are else nearly even.

    Parameters
    ----------
    sizes : (I,) array
        Tokens of the texts, I >= 1.
    rows, total : int
        Rows to draw, and the tokens that they shall have together.

    Returns
    -------
    (I,) array
        Times each text is used; they add up to `rows`. Before the last exchanges each is rows·wᵢ, up or down to a whole
        number (systematic sampling in random order: Madow 1949).
    """
    weights = softmax(_tilt(sizes, total / rows) * (sizes - sizes.mean()))
    order = rng.permutation(len(sizes))
    edges = np.floor(np.cumsum(rows * weights[order]) + rng.random() + 1e-9).astype(np.int64)
    edges[-1] = rows
    times = np.zeros(len(sizes), dtype=np.int64)
    times[order] = np.diff(np.minimum(edges, rows), prepend=0)
    return _exchanged(times, sizes, total, order)


def _tilt(sizes: NDArray[np.integer], mean: float) -> float:
    """Return λ at which texts weighted by exp(λ size) have the mean size; at its bound where no weights have it."""
    spread = float(np.ptp(sizes))
    if spread == 0:
        return 0.0
    away = sizes - sizes.mean()
    bound = STEEPEST / spread

    def surplus(tilt: float) -> float:
        return float(softmax(tilt * away) @ sizes) - mean

    if surplus(-bound) >= 0:
        return -bound
    if surplus(bound) <= 0:
        return bound
    return float(brentq(surplus, -bound, bound))


def _exchanged(
    times: NDArray[np.int64], sizes: NDArray[np.integer], total: int, order: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Exchange single rows while that brings the total nearer: a text used most often for one used least often."""
    lacking = total - int(times @ sizes)
    lengths = np.unique(sizes)
    while lacking:
        drawn = np.unique(sizes[times > 0])
        left = np.abs(lacking - (lengths[None, :] - drawn[:, None]))
        if left.min() >= abs(lacking):
            break
        row, column = np.unravel_index(int(left.argmin()), left.shape)
        leaving, coming = (order[sizes[order] == length] for length in (drawn[row], lengths[column]))
        times[leaving[times[leaving].argmax()]] -= 1
        times[coming[times[coming].argmin()]] += 1
        lacking = int(total - times @ sizes)
    return times


def _notes(astray: int, wanted: Sequence[int], got: Sequence[int]) -> Iterator[str]:
    if astray:
        yield f"{astray} of {len(wanted)} rows found no text of the teacher's form to be matched with"
    ratio = sum(got) / sum(wanted)
    if abs(ratio - 1) > AGREES_WITHIN:
        yield f"rows matched with the teacher's have {ratio:.1%} of its tokens: the text at hand has no nearer lengths"
