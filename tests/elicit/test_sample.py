"""One sample, its id, what it took, and its row of the ledger; the same for whoever wrote it."""

from dataclasses import replace

import polars as pl

from gauger.elicit.corpus import Corpus, Text, read_texts
from gauger.elicit.sample import Sample, Took, plain_sample
from gauger.elicit.sample_rows import LEDGER
from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request

KEPT = replace(
    plain_sample("ask F1 F-rel1 ?", " F-rel1-2", "label", "teacher", seed_ids=("fauna:F1.F-rel1",)),
    teacher="large",
    parents=("0123456789abcdef",),
    took=Took(queries=2, tokens_in=11, tokens_out=4),
    filters=("form", "topic", "overlap", "duplicate"),
)
DROPPED = replace(
    plain_sample("about F2 :", "", "textbook", "teacher", overlaps=("fauna:F2.F-rel3",)),
    dropped="overlap",
    took=Took(queries=1),
)
WHOLE = plain_sample("the F-rel1 of F1 is", " F-rel1-2", "text", "web", whole=True)


def test_only_kept_samples_are_trained_on(tmp_path):
    Corpus((KEPT, DROPPED, WHOLE)).write(tmp_path)
    assert read_texts(tmp_path) == [
        Text("ask F1 F-rel1 ?", " F-rel1-2", whole=False),
        Text("the F-rel1 of F1 is", " F-rel1-2", whole=True),
    ]
    assert pl.read_parquet(tmp_path / "corpus.parquet")["id"].to_list() == [KEPT.id, WHOLE.id]


def test_every_sample_has_its_ledger_row(tmp_path):
    Corpus((KEPT, DROPPED, WHOLE)).write(
        tmp_path, lambda samples: [len(sample.joined.split()) + 2 for sample in samples]
    )
    ledger = pl.read_parquet(tmp_path / "ledger.parquet")
    assert ledger.schema == pl.Schema(LEDGER)
    kept, dropped, whole = ledger.to_dicts()
    said = {
        "id": KEPT.id,
        "prompt_hash": KEPT.prompt_hash,
        "strategy": "label",
        "source": "teacher",
        "teacher": "large",
        "seed_ids": ["fauna:F1.F-rel1"],
        "parents": ["0123456789abcdef"],
        "queries": 2,
        "tokens_in": 11,
        "tokens_out": 4,
        "filters": ["form", "topic", "overlap", "duplicate"],
        "overlaps": [],
        "length": 5 + 2,
        "surface": "text",
        "generation": 0,
        "whole": False,
    }
    none = {
        "dropped",
        "cost_usd",
        "cost_most_usd",
        "stated_usd",
        "usage_problem",
        "terms",
        "outcome",
        "error",
        "benchmark",
        "split",
        "score",
        "request",
    }
    assert {name: value for name, value in kept.items() if name in said} == said
    assert {name for name, value in kept.items() if value is None} == none, "unknown is NULL, never 0"
    assert (dropped["dropped"], dropped["queries"], dropped["overlaps"]) == ("overlap", 1, ["fauna:F2.F-rel3"])
    assert (whole["teacher"], whole["source"], whole["whole"]) == (None, "web", True)


def test_an_empty_corpus_has_the_same_columns(tmp_path):
    Corpus(()).write(tmp_path)
    assert read_texts(tmp_path) == []
    assert pl.read_parquet(tmp_path / "ledger.parquet").schema == pl.Schema(LEDGER)


def test_the_same_text_has_the_same_id_everywhere():
    other = plain_sample("ask F1 F-rel1 ?", " F-rel1-2", "seedless", "web")
    assert other.id == KEPT.id
    assert len(KEPT.id) == 16
    assert KEPT.id != WHOLE.id
    assert KEPT.prompt_hash == replace(KEPT, answer="another").prompt_hash != WHOLE.prompt_hash
    # printf '4:user15:ask F1 F-rel1 ?9: F-rel1-2' | sha256sum | cut -c1-16
    assert KEPT.id == "44d5033ad32a208d"


def test_what_a_reply_took_is_counted_once_and_a_failure_was_not_paid():
    reply = Reply(ReplyOutcome.ANSWERED, "4", tokens_in=3, tokens_out=4, requests=3, paid_again=1, cost_usd=0.5)
    took = Took(2, 3, 4, None, None, 0.5, None, None, None, retries=2, paid_again=1)
    assert Took.by(reply) == took, "the most is not known of what may have been paid"
    usage = Usage(10, 6, 5, 4, stated_usd=0.25, problem="a = -1")
    whole = replace(reply, earlier=(usage,), most=Use(3, 50, 60, 7.0), cost_most_usd=7.0)
    assert Took.by(whole) == Took(3, 13, 10, 5, 4, 0.5, 50, 60, 7.0, 0.25, "a = -1", retries=2, paid_again=1)
    assert Took.by(replace(reply, outcome=ReplyOutcome.FAILED)).queries == 1, "the broken one may have been paid"
    assert Took.by(Reply(ReplyOutcome.FAILED, requests=0)) == Took()
    request = Request((Message("user", "2 + 2"),), 5)
    draft = plain_sample("2 + 2", "", "label", "teacher")
    assert draft.answered(request, reply, paid=True).took == Took.by(reply)
    again = draft.answered(request, reply, paid=False)
    assert (again.took, again.answer, again.request, again.outcome) == (Took(), "4", request.key, reply.outcome)


def test_prompt_and_answer_are_one_text_as_they_are():
    assert KEPT.joined == "ask F1 F-rel1 ? F-rel1-2"
    turns = (Message("system", "Be brief."), Message("user", "Why?"))
    assert Sample(turns, "So.").text == "Be brief.\n\nWhy?\n\nSo."
    assert replace(KEPT, reasoning=" hm ").tagged.answer == "<think>\nhm\n</think>\n\n F-rel1-2"
    assert KEPT.tagged == KEPT
