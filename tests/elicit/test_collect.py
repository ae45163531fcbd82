"""Collections end cleanly: budgets, failures, and being stopped and gone on with."""

from collections import Counter
from contextlib import suppress

import pytest

from elicit.teacher.answering import Answering, last, plain, seeds
from elicit.teacher.common import endpoint
from elicit.teacher.fault_server import FaultServer
from gauger.elicit.collect import Setting, collect_corpus
from gauger.elicit.strategies.registry import STRATEGIES, program
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.teacher.messages import Reply, ReplyOutcome

HELPED = {"invert", "rederive"}
"""Strategies that keep an answer only where a helper's steps end in it; tests/elicit/strategies/test_attackers.py."""


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - HELPED))
def test_a_spent_budget_ends_a_collection_with_what_there_is(strategy):
    teacher, budget = Answering(plain), QueryBudget(max_queries=7)
    student = Answering(lambda request: f"guess {request.seed}", "student")
    corpus = collect_corpus(
        Limited(teacher, budget), program(strategy), seeds(20), 15, setting=Setting(student=student)
    )
    assert len(teacher.asked) == 7 == budget.spent.queries
    assert 0 < len(corpus.kept) < 15
    assert corpus.notes == (f"{len(corpus.kept)} of 15 samples: the budget is spent",)


def test_a_small_budget_is_not_spent_on_problems_alone():
    corpus = collect_corpus(Limited(Answering(plain), QueryBudget(max_queries=10)), program("expand"), seeds(20), 1000)
    assert len(corpus.kept) >= 6
    waiting = [sample for sample in corpus.samples if sample.dropped == "unasked"]
    assert waiting
    assert all(sample.took.queries == 0 and sample.outcome is None for sample in waiting)


def test_without_a_number_a_spent_budget_is_noted_too():
    corpus = collect_corpus(Limited(Answering(plain), QueryBudget(max_queries=3)), program("label"), seeds(5))
    assert corpus.notes == ("3 samples, not every seed was used: the budget is spent",)


def test_failures_are_rows_without_a_score_and_are_noted():
    def say(request):
        kinds = {"0": ReplyOutcome.FAILED, "1": ReplyOutcome.REFUSED, "2": ReplyOutcome.TRUNCATED}
        outcome = kinds.get(last(request)[8], ReplyOutcome.ANSWERED)
        return Reply(
            outcome,
            "half a",
            tokens_in=4,
            tokens_out=2,
            requests=3,
            paid_again=1,
            error="500" if outcome == "failed" else None,
        )

    own = [Seed(id=str(n), prompt=f"What is {n}?", answer="half a") for n in range(4)]
    corpus = collect_corpus(Answering(say), program("label"), own)
    found = {sample.seed_ids[0]: sample for sample in corpus.samples}
    assert [found[key].dropped for key in "0123"] == ["failed", "refused", "truncated", None]
    assert [found[key].score for key in "0123"] == [None, None, None, 1.0]
    assert [found[key].took.queries for key in "0123"] == [1, 2, 2, 2]
    assert {found[key].took.retries for key in "0123"} == {2}
    assert corpus.notes == ("1 requests failed for good; the first: 500",)


@pytest.mark.parametrize(
    ("outcome", "text", "note"),
    [
        (
            ReplyOutcome.TRUNCATED,
            "half a",
            "3 of 3 answers fell to the filter 'truncated' (--answer-tokens, teacher.answer_tokens)",
        ),
        (
            ReplyOutcome.ANSWERED,
            "It is seven.",
            "3 of 3 answers fell to the filter 'verified': the first should end in '7' and ends in 'It is seven.'; "
            "replayed with another setting of it nothing is paid again",
        ),
        (ReplyOutcome.ANSWERED, "Answer: 7", None),
    ],
)
def test_a_filter_that_most_answers_fall_to_is_noted_with_what_helps(outcome, text, note):
    """Whoever pays for answers that are all dropped learns by what, and that it may be their form."""
    own = [Seed(id=str(n), prompt=f"What is {n}?", answer="7") for n in range(3)]
    reply = Reply(outcome, text, tokens_in=4, tokens_out=2)
    corpus = collect_corpus(Answering(lambda request: reply), program("label"), own)
    assert corpus.notes == (() if note is None else (note,))


def test_equal_requests_are_asked_and_counted_once():
    teacher = Answering(plain)
    own = [Seed(id="a", prompt="Why?"), Seed(id="b", prompt="Why?")]
    corpus = collect_corpus(teacher, program("label"), own)
    assert len(teacher.asked) == 1
    assert sorted(sample.took.queries for sample in corpus.samples) == [0, 1]
    assert [sample.dropped for sample in corpus.samples] == [None, "duplicate"]


def test_held_out_seeds_are_noted():
    own = [Seed(id="a", prompt="x", split="test"), Seed(id="b", prompt="y", split="train")]
    corpus = collect_corpus(Answering(plain), program("label"), own)
    assert corpus.notes == ("1 seeds are of the split 'test', not of a training split",)


@pytest.mark.parametrize("strategy", ["label", "expand", "textbook"])
def test_stopped_at_any_reply_and_gone_on_with_gives_the_same_corpus_and_asks_nothing_twice(tmp_path, strategy):
    whole = collect_corpus(Answering(plain), program(strategy), seeds(9), 8)
    generated = Counter()

    def count(request):
        generated[request.key] += 1
        return plain(request)

    for stop in (1, 2, 5, 9, 14, None):

        def watch(tally, stop=stop):
            if tally.replies == stop:
                raise KeyboardInterrupt

        teacher = Journalled(Answering(count), tmp_path / "replies.jsonl")
        with suppress(KeyboardInterrupt):
            corpus = collect_corpus(teacher, program(strategy), seeds(9), 8, setting=Setting(watch=watch))
    assert corpus == whole
    assert set(generated.values()) == {1}


def test_a_server_with_faults_loses_nothing_and_its_ledger_tells_the_retries():
    budget = QueryBudget(max_queries=1000)
    with FaultServer(rate=0.3, faults=("too many", "server error", "reset", "half json")) as server:
        corpus = collect_corpus(endpoint(server.url, budget), program("label"), seeds(40))
    assert len(corpus.samples) == 40
    assert {sample.dropped for sample in corpus.samples} <= {None, "refused", "refusal"}
    assert sum(sample.took.retries for sample in corpus.samples) > 0
    assert sum(sample.took.queries for sample in corpus.samples) == budget.spent.queries
    assert sum(server.paid.values()) <= budget.spent.queries


def test_progress_is_told_at_every_reply():
    told = []
    setting = Setting(watch=lambda tally: told.append((tally.replies, tally.asked, tally.kept)))
    collect_corpus(Answering(plain), program("label"), seeds(3), setting=setting)
    assert told == [(1, 3, 0), (2, 3, 0), (3, 3, 0)]
