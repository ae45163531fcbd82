"""An audit finds what was planted, says how often it errs, and gives the same answer however a corpus is cut."""

import json

import numpy as np
import pytest

from gauger.audit import AuditQuestion, audit_corpora, audit_document, corpora
from gauger.audit.benchmarks import AuditItem
from gauger.audit.planting import COPIES, HALF, NUMBERS, OPTIONS, VERBATIM, plant, twins
from gauger.audit.scan import MASKED, NGRAMS
from gauger.elicit import Reply, ReplyOutcome
from gauger.errors import UserError

from .cases import Writer, write_lines

WRITER = Writer(5)
ITEMS = [WRITER.item() for _ in range(120)]
CLEAN = [WRITER.text(150) for _ in range(200)]
LEAKED = range(0, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("audit")
    rows = [{"text": text} for text in CLEAN]
    for k in LEAKED:
        rows[k * 3]["text"] += f" {ITEMS[k].upper()} " + CLEAN[-1]
    write_lines(path / "corpus.jsonl", rows)
    write_lines(path / "items.jsonl", [{"id": str(k), "prompt": text} for k, text in enumerate(ITEMS)])
    write_lines(path / "clean.jsonl", [{"id": str(k), "prompt": WRITER.item()} for k in range(60)])
    return path


def ask(folder, **more):
    question = {"corpora": {"c": [folder / "corpus.jsonl"]}, "benchmarks": [(None, folder / "items.jsonl")]}
    return audit_document(audit_corpora(AuditQuestion(**{**question, "workers": 1, "n_planted": 60, **more})))


@pytest.fixture(scope="module")
def document(folder):
    return ask(folder)


def flagged(document, net=NGRAMS):
    return {int(one["item"]) for one in document["items"] if one["flag"] and one["net"] == net}


def test_exactly_the_planted_items_are_flagged(document):
    assert flagged(document) == set(LEAKED)
    (share,) = document["benchmarks"]
    assert (share["n_items"], share["flagged"], share["share"]) == (120, 30, 0.25)
    assert share["low"] < 0.25 < share["high"]


def test_a_flag_shows_where(document):
    one = next(one for one in document["items"] if one["item"] == "2" and one["net"] == NGRAMS)
    (span,) = one["spans"]
    assert span["document"].endswith("corpus.jsonl:7")
    ((start, end),) = span["marks"]
    assert span["text"][start:end] == ITEMS[2].upper().rstrip("?")
    assert one["item_marks"] if "item_marks" in one else span["item_marks"] == [[0, len(ITEMS[2]) - 1]]


def test_each_class_has_a_recall_and_false_alarms_with_intervals(document):
    rates = {(one["net"], one["class"]): one for one in document["nets"]}
    for kind in set(COPIES) - {OPTIONS, NUMBERS, "rephrased by rules"}:
        assert rates[NGRAMS, kind]["recall"] == 1.0
        assert 0.9 < rates[NGRAMS, kind]["recall_low"] < 1
    assert rates[MASKED, NUMBERS]["recall"] >= 0.95
    assert rates[NGRAMS, OPTIONS]["recall"] is None
    assert rates[NGRAMS, OPTIONS]["reason"] == "nothing was tried"
    assert rates[NGRAMS, HALF]["n_negatives"] == 120
    assert rates[NGRAMS, HALF]["false_positive_rate"] <= 0.01


def test_the_share_is_corrected_for_what_a_net_misses(document):
    by = {(one["net"], one["class"]): one for one in document["corrected"]}
    assert by[NGRAMS, VERBATIM]["low"] <= 0.25 <= by[NGRAMS, VERBATIM]["high"]
    rephrased = by[NGRAMS, "rephrased by rules"]
    assert rephrased.get("reason") == "not detectable at this recall" or rephrased["high"] > 0.25


@pytest.mark.parametrize("size", [4_000, 50_000])
def test_cutting_the_corpus_and_several_processes_change_nothing(folder, document, monkeypatch, size):
    monkeypatch.setattr(corpora, "SHARD_BYTES", size)
    assert ask(folder)["items"] == document["items"]


def test_several_processes_find_the_same(folder, document, monkeypatch):
    monkeypatch.setattr(corpora, "SHARD_BYTES", 100_000)
    assert ask(folder, workers=2)["items"] == document["items"]


def test_settings_matter(folder, document):
    rate = next(one for one in ask(folder, n_planted=10)["nets"] if one["n_planted"])
    assert rate["n_planted"] == 10
    more = ask(folder, negatives=(folder / "clean.jsonl",))
    assert more["nets"][0]["n_negatives"] == 180
    assert ask(folder, seed=9)["items"] == document["items"]
    two = ask(folder, corpora={"a": [folder / "corpus.jsonl"], "b": [folder / "clean.jsonl"]})
    assert {(one["source"], one["flagged"]) for one in two["sources"] if one["net"] == NGRAMS} == {("a", 30), ("b", 0)}


class Reverser:
    """A model that says a question backwards, and now and then refuses."""

    name, terms = "reverser", None

    def ask(self, requests):
        for k, request in enumerate(requests):
            text = request.messages[0].content.partition("\n\n")[2]
            refuses = k % 10 == 9
            outcome = ReplyOutcome.REFUSED if refuses else ReplyOutcome.ANSWERED
            yield k, Reply(outcome, " ".join(reversed(text.split())))


def test_the_users_own_model_rephrases_a_class_of_its_own(folder):
    found = ask(folder, rephraser=Reverser())
    rate = next(one for one in found["nets"] if one["class"] == "rephrased by a model" and one["net"] == NGRAMS)
    assert (rate["n_planted"], rate["recall"]) == (90, 0.0)
    share = next(one for one in found["corrected"] if one["class"] == "rephrased by a model" and one["net"] == NGRAMS)
    assert share["reason"] == "not detectable at this recall"


def test_the_document_is_plain_json(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_nothing_to_audit_is_refused(folder):
    with pytest.raises(UserError, match="at least one corpus"):
        audit_corpora(AuditQuestion({}, [(None, folder / "items.jsonl")]))


def test_twins_repeat_no_item():
    items = [AuditItem("b", str(k), text) for k, text in enumerate(ITEMS)]
    made = twins(items, np.random.default_rng(1))
    runs = {
        tuple(text.lower().replace(".", "").replace("?", "").split()[k : k + 8]) for text in ITEMS for k in range(23)
    }
    for twin in made:
        words = [word for word in twin.lower().split() if word.isalnum()]
        assert not any(tuple(words[k : k + 8]) in runs for k in range(len(words) - 7))
    assert twins(items[:1], np.random.default_rng(1)) == [""]


@pytest.mark.parametrize("kind", list(COPIES))
def test_copies_are_what_they_say(kind):
    rng = np.random.default_rng(2)
    item = AuditItem("b", "1", "Tom has 12 pears. How many are left of 30 pears?", ("five", "six", "seven"))
    copy = plant(item, kind, ["before after"], rng)
    if kind == VERBATIM:
        assert copy == item.text
        return
    assert copy.startswith("before") or copy.endswith("after")
    changed = copy.replace("before", "").replace("after", "").strip()
    assert (changed == item.text) == (kind == "embedded")
    if kind == NUMBERS:
        assert "12" not in changed
        assert changed.count("pears") == 2
    if kind == OPTIONS:
        assert changed.startswith(item.question)
        assert {line.split()[-1] for line in changed.splitlines()[1:]} == set(item.options)
    bare = AuditItem("b", "2", "name it")
    assert (plant(bare, kind, [], rng) is None) == (kind in (NUMBERS, OPTIONS, HALF, "mirrored"))
