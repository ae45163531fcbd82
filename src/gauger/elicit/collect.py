"""Collects one corpus: rounds of a strategy, replies of a teacher, filters, until enough is kept."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np

from gauger.elicit.collection_notes import notes_of
from gauger.elicit.corpus import Corpus
from gauger.elicit.filters.filters import Filters
from gauger.elicit.filters.world_checks import as_it_is
from gauger.elicit.replies.reasoning_marks import UNKNOWN_MARK
from gauger.elicit.sample import STEP, UNANSWERED, Sample, Took
from gauger.elicit.strategies.registry import Program
from gauger.elicit.strategies.rounds import Ask, Rounds, StrategyWork, WorldTexts
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Accountable, Reply, ReplyOutcome, Request, Teacher
from gauger.elicit.teacher.surfaced import words_for
from gauger.errors import UserError
from gauger.spec import Surface

MOST_BARREN_ROUNDS = 40
"""Rounds in a row that kept nothing, after which a strategy is given up; the corpus then says so."""
MOST_ASKED_EACH = 40
"""Requests for each sample wanted, after which it is given up too: so few of them bring any."""
LEAST_ASKED = 1600
"""Requests below which nothing is given up for that, however few samples are wanted."""
UNREAD = "unknown-reasoning"
"""Dropped because something in it looks like reasoning, in no form that is known, and reasoning is hidden."""
_LOST = {
    ReplyOutcome.FAILED: "failed",
    ReplyOutcome.REFUSED: "refused",
    ReplyOutcome.TRUNCATED: "truncated",
    ReplyOutcome.EMPTY: "empty",
}


@dataclass
class CollectionProgress:
    """How far a collection has come."""

    wanted: int | None
    kept: int = 0
    """As of the last finished round."""
    asked: int = 0
    """Requests of the rounds so far, the current one included."""
    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True)
class Setting:
    """What is around a collection."""

    surface: Surface = field(default_factory=Surface)
    """What the teacher's interface shows (`Surfaced` sees to it); stands in the ledger."""
    student: Teacher | None = None
    """Who answers first where the strategy is `feedback`, and who writes steps where it is `invert`."""
    watch: Callable[[CollectionProgress], None] = field(default=lambda _: None)
    """Called at every reply."""
    texts: WorldTexts | None = None
    """The world whose texts somebody continues; None where a teacher is asked by instruction."""
    keeps_truncated: bool = False
    """Whether an answer that was cut off is a text like another: what a placebo wrote is as good as its model."""
    shape: Callable[[Sample], Sample] = as_it_is
    """Makes of a sample that passed every filter what the student learns; ids and lineage are of what it returns."""


def collect_corpus(
    teacher: Teacher,
    program: Program,
    seeds: Sequence[Seed],
    wanted: int | None = None,
    filters: Filters | None = None,
    seed: int = 0,
    setting: Setting | None = None,
) -> Corpus:
    """Ask a teacher by a strategy until enough samples are kept, nothing new is left, or the budget is spent.

    Parameters
    ----------
    teacher : Teacher
        Who is asked; a budget and a journal are its own affair (`Budget`, `Journalled`).
    program : Program
        The strategy (`registry.program`).
    seeds : sequence of Seed
        Its seeds; empty where it needs none.
    wanted : int, optional
        Samples to keep; None: what one pass over the seeds gives.
    filters : Filters, optional
        What a sample must be to be kept; by default everything in `Filters` that is on there.
    seed : int
        Source of randomness: order of seeds, directions. Given the same replies the corpus is the same, in whatever
        order they come.
    setting : Setting, optional
        Surface, student, progress.

    Returns
    -------
    Corpus
        A row for every request and every problem written, kept or not, so that the ledger adds up to what was spent;
        `notes` says why there are fewer samples than wanted.

    Raises
    ------
    UserError
        Where the strategy needs seeds, a number or a student that is not there.
    """
    setting = setting or Setting()
    require(program, seeds, wanted, setting.student)
    checks = (filters or Filters()).build(seeds, program.near, tagged=program.tagged)
    work = StrategyWork(
        program.name, program.template, tuple(seeds), np.random.default_rng(seed), checks, wanted, setting.texts
    )
    asker = _Asker(teacher, program, setting, CollectionProgress(wanted))
    why = _run(program.rounds(work), work, asker)
    asker.record_unseen(work)
    return Corpus(tuple(work.samples), notes_of(work, why), tuple(seeds))


def require(program: Program, seeds: Sequence[Seed], wanted: int | None, student: object | None) -> None:
    """Refuse a collection that lacks what its strategy needs, before anything is asked."""
    if program.needs_seeds and not seeds:
        raise UserError(f"seeds for the strategy {program.name}", "none")
    if wanted is not None and wanted < 1:
        raise UserError("a positive number of samples", str(wanted))
    if program.needs_number and wanted is None:
        raise UserError(f"how many samples are wanted, for {program.name} never ends by itself", "none")
    if program.needs_student and student is None:
        hint = "It writes the steps before the teacher's answers (--student hf:PATH)."
        raise UserError(f"a student or another helper for the strategy {program.name}", "none", hint=hint)
    if program.name == "feedback" and student is None and not all(seed.student_answers for seed in seeds):
        raise UserError(
            "a student for the strategy feedback, or student_answers in every seed",
            "neither",
            hint="Its answers are what the teacher ranks or corrects.",
        )


def _run(rounds: Rounds, work: StrategyWork, asker: _Asker) -> str:
    """Go through the rounds; return why they ended."""
    barren = 0
    try:
        asks = next(rounds)
        while True:
            kept = work.n_kept
            results = asker.results(asks, work)
            barren = 0 if work.n_kept > kept else barren + bool(asks)
            # before the budget is looked at: the strategy still takes in the last replies, which are paid
            asks = rounds.send(results)
            if None in results:
                return "the budget is spent"
            if barren >= MOST_BARREN_ROUNDS:
                return f"given up after {barren} rounds that kept nothing"
            if work.wanted is not None and asker.asked > max(MOST_ASKED_EACH * work.wanted, LEAST_ASKED):
                return f"given up after {asker.asked} requests"
    except StopIteration:
        return "the budget is spent" if asker.refused else "nothing new was left to ask"
    finally:
        rounds.close()


class _Asker:
    """Asks one round after the other; equal requests of the whole collection are asked, and counted, once."""

    def __init__(self, teacher: Teacher, program: Program, setting: Setting, tally: CollectionProgress) -> None:
        self._program, self._setting, self._tally = program, setting, tally
        self._teachers = {"teacher": teacher, "student": setting.student or teacher}
        self._replies: dict[tuple[str, Request], Reply] = {}
        self.asked = 0
        """Requests so far."""
        self.refused = False
        """Whether a request got no reply."""

    def results(self, asks: Sequence[Ask], work: StrategyWork) -> list[Sample | None]:
        """Return what became of the requests, in their order, and record it."""
        counted = set(self._replies)
        for who in ("student", "teacher"):
            self._fetch(who, [ask.request for ask in asks if ask.of == who])
        results: list[Sample | None] = []
        for ask in asks:
            key = (ask.of, ask.request)
            reply = self._replies.get(key)
            results.append(None if reply is None else self._finish(ask, reply, work, paid=key not in counted))
            if reply is None:  # what was paid before the budget ended is not lost
                self._record_instead(ask, work)
            counted.add(key)
        self.refused |= None in results
        self._tally.kept = work.n_kept
        return results

    def record_unseen(self, work: StrategyWork) -> None:
        """Record what earlier sessions spent, or may have spent, on requests that nobody got a reply to."""
        for who, teacher in self._teachers.items():
            if isinstance(teacher, Accountable) and (who == "teacher" or teacher is not self._teachers["teacher"]):
                source = self._program.source if who == "teacher" else "self"
                for reply in teacher.unseen():
                    row = Sample((), strategy=work.strategy, source=source, teacher=teacher.name, terms=teacher.terms)
                    took = Took.by(reply)
                    work.record(replace(row, outcome=reply.outcome, error=reply.error, took=took).fails(UNANSWERED))

    def _fetch(self, who: str, requests: Sequence[Request]) -> None:
        ordered = [request for request in dict.fromkeys(requests) if (who, request) not in self._replies]
        if not ordered:
            return
        self._tally.asked += len(ordered)
        self.asked += len(ordered)
        with closing(_each(self._teachers[who].ask(ordered))) as replies:
            for place, reply in replies:
                self._replies[who, ordered[place]] = reply
                self._count(reply)

    def _count(self, reply: Reply) -> None:
        tally = self._tally
        tally.replies += 1
        for usage in reply.billed:
            tally.tokens_in += usage.tokens_in or 0
            tally.tokens_out += usage.tokens_out or 0
        if reply.cost_usd is not None:
            tally.cost_usd = (tally.cost_usd or 0.0) + reply.cost_usd
        self._setting.watch(tally)

    def _finish(self, ask: Ask, reply: Reply, work: StrategyWork, *, paid: bool) -> Sample:
        """Make a sample of a draft and its reply, put it through the filters, and record it."""
        teacher = self._teachers[ask.of]
        sample = replace(
            ask.draft.answered(ask.request, reply, paid=paid),
            teacher=teacher.name,
            terms=teacher.terms,
            surface=words_for(self._setting.surface),
            flags=reply.flags,
            respelt=reply.respelt,
            source=self._program.source if ask.of == "teacher" else "self",
        )
        passes = reply.outcome is ReplyOutcome.TRUNCATED and (ask.takes_cut or self._setting.keeps_truncated)
        if (lost := self._lost(reply)) and not passes:
            sample = sample.fails(lost)
            self._record_instead(ask, work)
        else:
            sample = ask.read(sample)
            sample = (
                (sample.fails(STEP) if sample.dropped is None else sample) if ask.step else self._checked(sample, work)
            )
        work.record(sample)
        return sample

    def _record_instead(self, ask: Ask, work: StrategyWork) -> None:
        """Record what a strategy makes of earlier replies where this one is lost."""
        if ask.instead and (sample := ask.instead()) is not None:
            work.record(self._checked(sample, work))

    def _lost(self, reply: Reply) -> str | None:
        """Name why a reply is no text to learn from; where reasoning is hidden, no mark that might be of some is."""
        if outcome := _LOST.get(reply.outcome):
            return outcome
        hidden = self._setting.surface.reasoning == "hidden"
        return UNREAD if hidden and any(flag.startswith(UNKNOWN_MARK) for flag in reply.flags) else None

    def _checked(self, sample: Sample, work: StrategyWork) -> Sample:
        sample = work.checks.text(sample)
        if sample.dropped is not None:
            return sample
        return self._setting.shape(sample.tagged if self._program.tagged else sample)


def _each(replies: Iterator[tuple[int, Reply]]) -> Generator[tuple[int, Reply], None, None]:
    """Yield the replies; closing this ends the asking at once, so that a journal is let go."""
    yield from replies
