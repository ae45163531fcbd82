"""A corpus on disk: what is trained on, and one ledger row per sample."""

import polars as pl

from gauger.elicit.twin_samples import LEDGER, Corpus, Sample, as_samples, read_texts

KEPT = Sample(
    ("ask", "F1", "F-rel1", "?"),
    ("F-rel1-2",),
    "label",
    "teacher",
    teacher="large",
    seed_ids=("fauna:F1.F-rel1",),
    parents=("0123456789abcdef",),
    queries=2,
    tokens_in=11,
    tokens_out=4,
    filters=("form", "topic", "overlap", "duplicate"),
)
DROPPED = Sample(
    ("about", "F2", ":"), (), "textbook", "teacher", dropped="overlap", overlaps=("fauna:F2.F-rel3",), queries=1
)
WHOLE = Sample(("the", "F-rel1", "of", "F1", "is"), ("F-rel1-2",), "text", "web", whole=True)


def test_only_kept_samples_are_trained_on(tmp_path):
    Corpus((KEPT, DROPPED, WHOLE)).write(tmp_path)
    assert read_texts(tmp_path) == [(KEPT.prompt, KEPT.answer, False), (WHOLE.prompt, WHOLE.answer, True)]
    assert pl.read_parquet(tmp_path / "corpus.parquet")["id"].to_list() == [KEPT.id, WHOLE.id]


def test_every_sample_has_its_ledger_row(tmp_path):
    Corpus((KEPT, DROPPED, WHOLE)).write(tmp_path)
    ledger = pl.read_parquet(tmp_path / "ledger.parquet")
    assert ledger.schema == pl.Schema(LEDGER)
    kept, dropped, whole = ledger.to_dicts()
    assert kept == {
        "id": KEPT.id,
        "prompt_hash": Sample(KEPT.prompt, (), "x", "y").id,
        "strategy": "label",
        "source": "teacher",
        "teacher": "large",
        "seed_ids": ["fauna:F1.F-rel1"],
        "parents": ["0123456789abcdef"],
        "queries": 2,
        "tokens_in": 11,
        "tokens_out": 4,
        "filters": ["form", "topic", "overlap", "duplicate"],
        "dropped": None,
        "overlaps": [],
        "length": 5 + 2,
    }
    assert (dropped["dropped"], dropped["queries"], dropped["overlaps"]) == ("overlap", 1, ["fauna:F2.F-rel3"])
    assert (whole["teacher"], whole["source"]) == (None, "web")


def test_an_empty_corpus_has_the_same_columns(tmp_path):
    Corpus(()).write(tmp_path)
    assert read_texts(tmp_path) == []
    assert pl.read_parquet(tmp_path / "ledger.parquet").schema == pl.Schema(LEDGER)


def test_the_same_text_has_the_same_id_everywhere():
    other = Sample(KEPT.prompt, KEPT.answer, "seedless", "web")
    assert other.id == KEPT.id
    assert len(KEPT.id) == 16
    assert KEPT.id != WHOLE.id
    assert KEPT.id == "16bee9a4a56eea34"  # printf "ask F1 F-rel1 ? F-rel1-2" | sha256sum | cut -c1-16


def test_spending_adds_up():
    twice = DROPPED.spend(3, 4).spend(5, 6)
    assert (twice.queries, twice.tokens_in, twice.tokens_out) == (3, 8, 10)


def test_texts_read_back_become_samples_of_another_source(tmp_path):
    Corpus((KEPT, WHOLE)).write(tmp_path)
    again = as_samples(read_texts(tmp_path), "label", "self")
    assert [(s.prompt, s.answer, s.whole) for s in again] == [(s.prompt, s.answer, s.whole) for s in (KEPT, WHOLE)]
    assert {(s.strategy, s.source) for s in again} == {("label", "self")}
