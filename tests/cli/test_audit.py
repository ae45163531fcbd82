"""``gauger audit`` as a user types it."""

import json

import polars as pl
import pytest

from gauger.cli.application import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    question = (
        "A farmer sells {} crates of <b>pears</b> and six crates of plums at the {} market and keeps {} for winter?"
    )
    items = [question.format(n, place, n + 3) for n, place in ((4, "old"), (9, "new"), (17, "fish"), (23, "night"))]
    texts = [{"text": f"Some words before. {items[0]} And more of them after it."}, {"text": "Nothing of the kind."}]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(one) + "\n" for one in texts))
    lines = [json.dumps({"id": str(k), "prompt": text}) + "\n" for k, text in enumerate(items)]
    (tmp_path / "items.jsonl").write_text("".join(lines))
    return tmp_path


def run(capsys, *arguments):
    code = main(["audit", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_json_keeps_its_contract(folder, capsys):
    code, out, _ = run(capsys, "--corpus", "web=corpus.jsonl", "--against", "pears=items.jsonl", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "gauger.audit/1"
    assert {"benchmark", "item", "flag", "net", "score", "documents", "spans"} <= document["items"][0].keys()
    assert {"benchmark", "n_items", "flagged", "share", "low", "high"} <= document["benchmarks"][0].keys()
    rates = {"net", "class", "recall", "recall_low", "recall_high", "false_positive_rate", "fpr_low", "fpr_high"}
    assert rates <= document["nets"][0].keys()
    assert [one["item"] for one in document["items"] if one["flag"] and one["net"] == "n-grams"] == ["0"]
    assert document["corpora"] == [{"source": "web", "n_texts": 2}]


def test_text_and_report_say_the_same(folder, capsys):
    code, out, err = run(capsys, "--corpus", "corpus.jsonl", "--against", "items.jsonl", "--out", "found")
    assert code == 0
    assert "wrote found/report.html" in err
    assert "items      1" not in err
    assert "false alarms per item" in out
    page = (folder / "found" / "report.html").read_text()
    assert "<mark>" in page
    assert "&lt;b&gt;pears" in page
    assert "<b>pears" not in page
    assert page.count('<noscript><img class="static"') == page.count('<script type="application/json" data-chart=') > 0
    assert json.loads((folder / "found" / "audit.json").read_text())["benchmarks"][0]["flagged"] >= 1


@pytest.mark.parametrize("damaged", ["corpus", "items"])
def test_a_damaged_parquet_file_is_named(folder, capsys, damaged):
    for name, column in (("corpus", "text"), ("items", "prompt")):
        pl.DataFrame({column: ["What is four and three of them?"] * 3}).write_parquet(folder / f"{name}.parquet")
    arguments = ("--corpus", "corpus.parquet", "--against", "items.parquet")
    assert run(capsys, *arguments, "--planted", "2")[0] == 0
    path = folder / f"{damaged}.parquet"
    path.write_bytes(path.read_bytes()[:-4])
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert f"{damaged}.parquet: expected a Parquet file, got " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"prompt": "What?"}, 3]', "element 2: expected a JSON object for every item, got a JSON int"),
        ('[{"prompt": "What?"}', "array.json:1: expected JSON, got expecting"),
        ('[{"prompt": "What?", "prompt": "Who?"}]', "twice in one object"),
        ("[" * 20_000, "nested too deeply"),
    ],
)
def test_items_in_a_broken_array(folder, capsys, text, told):
    (folder / "array.json").write_text(text)
    code, out, err = run(capsys, "--corpus", "corpus.jsonl", "--against", "array.json")
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--corpus", "nothing.jsonl", "--against", "items.jsonl"], "no such file"),
        (["--corpus", "corpus.jsonl", "--against", "nothing.jsonl"], "nothing there"),
        (["--corpus", "=corpus.jsonl", "--against", "items.jsonl"], "NAME=PATH or PATH"),
        (["--corpus", "corpus.jsonl", "--against", "items.jsonl", "--out", "corpus.jsonl"], "a folder for --out"),
        (["--corpus", "corpus.jsonl"], "--against"),
    ],
)
def test_mistakes_are_said_in_a_line_and_exit_2(folder, capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
