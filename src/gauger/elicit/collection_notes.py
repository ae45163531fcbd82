"""Says why a collection ended early, and what of its replies failed, was odd, or is not accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gauger.elicit.sample import UNANSWERED
from gauger.elicit.strategies.rounds import StrategyWork

SHOWN_ANSWER = 60
"""Characters of an answer that a note shows, from its end."""
_OF_FORM = ("truncated", "verified", "length", "language", "overlap")
"""Filters that how a teacher was asked, or how it writes, may have all answers fall to."""
_OF_SETTING = ("verified", "length", "language")
"""Of these, filters that the same replies may pass where they are set otherwise."""
_TRAINING_SPLITS = ("train", "training")


def notes_of(work: StrategyWork, why: str) -> tuple[str, ...]:
    """Say why there are fewer samples than wanted, and what of the replies was lost, odd or not accounted for."""
    notes = []
    if work.missing:
        notes.append(f"{work.n_kept} of {work.wanted} samples: {why}")
    elif work.wanted is None and why != "nothing new was left to ask":
        notes.append(f"{work.n_kept} samples, not every seed was used: {why}")
    failed = sum(sample.dropped == "failed" for sample in work.samples)
    if failed:
        first = next(sample.error for sample in work.samples if sample.dropped == "failed")
        notes.append(f"{failed} requests failed for good; the first: {first or 'no reason given'}")
    flags = Counter(flag for sample in work.samples for flag in sample.flags)
    notes += [
        f"{count} replies hold what nobody here knows how to read: {flag}" for flag, count in sorted(flags.items())
    ]
    notes += _notes_on_drops(work)
    notes += _notes_on_bill(work)
    respelt = Counter(change for sample in work.samples for change in sample.respelt)
    notes += [f"the model refuses how it was asked: {count} requests {change}" for change, count in respelt.items()]
    held_out = Counter(seed.split for seed in work.seeds if seed.split and seed.split not in _TRAINING_SPLITS)
    notes += [f"{count} seeds are of the split {split!r}, not of a training split" for split, count in held_out.items()]
    return tuple(notes)


def _notes_on_drops(work: StrategyWork) -> Iterator[str]:
    """Name the filter that most answers fell to, how the first did, and what to do: it may be how they are written."""
    answered = [sample for sample in work.samples if sample.dropped not in ("failed", UNANSWERED)]
    reasons = Counter(sample.dropped for sample in answered if sample.dropped in _OF_FORM)
    if not reasons:
        return
    name, count = reasons.most_common(1)[0]
    if 2 * count <= len(answered):
        return
    first = next(sample for sample in answered if sample.dropped == name)
    more = ""
    if name == "truncated":
        more = " (--answer-tokens, teacher.answer_tokens)"
    elif name == "verified" and first.seed is not None and first.seed.answer is not None:
        wanted, ended = (text.strip()[-SHOWN_ANSWER:] for text in (first.seed.answer, first.answer))
        more = f": the first should end in {wanted!r} and ends in {ended!r}"
    if name in _OF_SETTING:
        more += "; replayed with another setting of it nothing is paid again"
    yield f"{count} of {len(answered)} answers fell to the filter {name!r}{more}"


def _notes_on_bill(work: StrategyWork) -> Iterator[str]:
    """Say what of the bill the endpoint did not state, or stated wrongly."""
    took = [sample.took for sample in work.samples]
    if problems := [bill.usage_problem for bill in took if bill.usage_problem]:
        counted = "it counts as not stated, and against budgets at the most possible"
        yield f"{len(problems)} replies state a usage that cannot be; the first: {problems[0]}; {counted}"
    if silent := sum(bill.tokens_in is None or bill.tokens_out is None for bill in took):
        yield f"the endpoint does not say what {silent} replies used"
    if unanswered := sum(sample.dropped == UNANSWERED for sample in work.samples):
        yield f"{unanswered} requests of earlier sessions were never answered, and may have been paid"
