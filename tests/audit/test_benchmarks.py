"""Items are read from everything that holds them, with their options and identities."""

import json
from hashlib import sha256

import polars as pl
import pytest

from gauger.audit.audit import AuditQuestion, audit_corpora
from gauger.audit.benchmarks import question_of, read_benchmark
from gauger.audit.document import audit_document
from gauger.audit.flags import flags_for, read_audit
from gauger.errors import InputError
from gauger.store import write_json

from .cases import write_lines


def test_seeds_keep_their_ids_and_benchmarks(tmp_path):
    path = write_lines(tmp_path / "test.jsonl", [{"id": 1, "prompt": "How?", "answer": "so", "benchmark": "b"}])
    (item,) = read_benchmark(path)
    assert (item.benchmark, item.id, item.text) == ("b", "1", "How?")
    assert read_benchmark(path, "named")[0].benchmark == "named"


@pytest.mark.parametrize(
    ("record", "question", "options"),
    [
        ({"question": "Q", "choices": ["a", "b"], "answer": 0, "subject": "s"}, "Q", ("a", "b")),
        ({"question": "Q", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "A"}, "Q", ("a", "b")),
        ({"passage": "P", "question": "Q", "label": 1}, "P\nQ", ()),
        ({"Question": "Q", "A": "a", "B": "b", "C": "c", "Answer": "A"}, "Q", ("a", "b", "c")),
        ({"goal": "G", "sol1": "x", "sol2": "y"}, "G", ("x", "y")),
        ({"body": "B", "answer": "no", "id": "7"}, "B", ()),
        ({"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]}, "U", ()),
    ],
)
def test_questions_of_records(record, question, options):
    assert question_of(record) == (question, options)


def test_tables_of_every_kind(tmp_path):
    rows = [{"id": "x", "question": "One?"}, {"id": "y", "question": "Two?"}]
    pl.DataFrame(rows).write_csv(tmp_path / "b.csv")
    pl.DataFrame(rows).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "b.json").write_text(json.dumps(rows))
    for name in ("b.csv", "b.parquet", "b.json"):
        assert [(one.benchmark, one.id, one.text) for one in read_benchmark(tmp_path / name)] == [
            ("b", "x", "One?"),
            ("b", "y", "Two?"),
        ]


def test_equal_questions_are_one_item_and_ids_are_made_unique(tmp_path):
    rows = [{"id": "x", "prompt": "A?"}, {"id": "x", "prompt": "B?"}, {"id": "z", "prompt": "A?"}]
    found = read_benchmark(write_lines(tmp_path / "b.jsonl", rows))
    assert [(one.id, one.text) for one in found] == [("x", "A?"), ("x (2)", "B?")]
    assert [(one.keys, one.equals) for one in found] == [({"id": "x"}, ({"id": "z"},)), ({"id": "x"}, ())]


def test_items_that_ask_the_same_are_touched_together(tmp_path):
    """The second of them was unknown to the comparison, and left out of it."""
    prompts = ["How many of the seventeen red apples does Anna keep for the long way home?", "Which green town is far?"]
    rows = [{"id": name, "prompt": prompts[place]} for name, place in (("x", 0), ("y", 1), ("z", 0))]
    bench = write_lines(tmp_path / "b.jsonl", rows)
    corpus = write_lines(tmp_path / "c.jsonl", [{"text": prompts[0]}, {"text": "Other words."}])
    document = audit_document(audit_corpora(AuditQuestion({"c": [corpus]}, [(None, bench)], n_planted=2, workers=1)))
    write_json(tmp_path / "audit.json", document)
    assert flags_for(read_audit(tmp_path), "b", "id", ["x", "y", "z", "w"]) == [True, False, True, None]


def test_samples_of_lm_eval_keep_what_compare_matches_by(tmp_path):
    lines = [
        {"doc_id": k, "doc": {"question": f"Q{k}?", "answer": "42"}, "target": "42", "arguments": [["few shots Q", ""]],
         "resps": [["1"]], "filtered_resps": ["1"], "filter": "none", "metrics": ["acc"],
         "doc_hash": sha256(b"%d" % k).hexdigest(),
         "prompt_hash": f"{k + 9:064x}", "target_hash": f"{k:064x}", "acc": 1.0}
        for k in range(3)
    ]  # fmt: skip
    path = write_lines(tmp_path / "samples_gsm_2024-01-01T00-00-00.jsonl", lines)
    found = read_benchmark(path)
    assert [(one.benchmark, one.id, one.text) for one in found] == [("gsm", f"doc {k}", f"Q{k}?") for k in range(3)]
    assert {"document", "position", "id"} <= set(found[0].keys or {})
    assert read_benchmark(tmp_path)[2].id == "doc 2"


def test_inspect_logs(tmp_path):
    samples = [
        {"id": k, "epoch": 1, "input": f"Q{k}", "choices": ["a", "b"], "target": "A", "scores": {"m": {"value": "C"}}}
        for k in (1, 2)
    ]
    log = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m", "created": "2024-01-01T00:00:00"},
           "results": {"scores": []}, "samples": samples}  # fmt: skip
    (tmp_path / "log.json").write_text(json.dumps(log))
    found = read_benchmark(tmp_path / "log.json")
    assert [(one.benchmark, one.id, one.text) for one in found] == [
        ("t", "sample 1", "Q1\na\nb"),
        ("t", "sample 2", "Q2\na\nb"),
    ]


def test_nothing_to_look_for_is_refused(tmp_path):
    with pytest.raises(InputError, match="texts of its items"):
        read_benchmark(write_lines(tmp_path / "b.jsonl", [{"id": 1}]))
    with pytest.raises(InputError, match="nothing there"):
        read_benchmark(tmp_path / "none.jsonl")
