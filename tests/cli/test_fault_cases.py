"""What comes from outside and is wrong: one message, exit 2, no traceback, and never a number."""

import io
import json
import warnings
import zipfile

import polars as pl
import pytest

from gauger.cli import main

CSV = "study,arm,replicate,benchmark,item,score\n" + "".join(
    f"s,{arm},0,b,i{n},{n % 2}\n" for arm in "ac" for n in range(4)
)


def refused(arguments, capsys):
    """Run a command that has to refuse what it is given; return what it said."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "fault in Gauger" not in said.err
    return said.err


def compare(path, *more):
    return ["compare", str(path), "--distilled", "a", "--control", "c", *more]


CELLS = {
    "a replicate below 0": ("s,a,0,b,i0", "s,a,-1,b,i0", "replicate: expected a whole number from 0 up, got -1"),
    "a replicate beyond measure": ("s,a,0,b,i0", f"s,a,{10**30},b,i0", "replicate: expected a whole number"),
    "a replicate just as large": ("s,a,0,b,i0", f"s,a,{10**16},b,i0", "replicate: expected a whole number from 0 up"),
    "a replicate that is no number": ("s,a,0,b,i0", "s,a,nan,b,i0", "replicate: expected a whole number"),
    "a score that is no number": ("i0,0", "i0,nan", "score: expected a number"),
    "a score beyond 1": ("i0,0", "i0,1e30", "score: expected a score from 0 to 1"),
}


@pytest.mark.parametrize("case", CELLS)
def test_cells_beyond_their_range(case, tmp_path, capsys):
    old, new, said = CELLS[case]
    assert old in CSV
    path = tmp_path / "records.csv"
    path.write_text(CSV.replace(old, new, 1))
    assert said in refused(compare(path), capsys)


@pytest.mark.parametrize("column", ["tokens_in", "tokens_out", "seconds", "sample"])
@pytest.mark.parametrize("value", ["-5", str(10**30), "nan", "inf", "many"])
def test_counts_that_no_answer_has(column, value, tmp_path, capsys):
    lines = CSV.splitlines()
    lines = [f"{lines[0]},{column}", f"{lines[1]},{value}", *(f"{line},0" for line in lines[2:])]
    path = tmp_path / "records.csv"
    path.write_text("\n".join(lines) + "\n")
    said = refused(compare(path), capsys)
    assert f"records.csv:2: {column}: expected" in said
    path.write_text("\n".join([lines[0], *(f"{line.rpartition(',')[0]}," for line in lines[1:])]) + "\n")
    assert main(compare(path)) == 0, "an empty one is allowed"
    capsys.readouterr()


def test_records_of_several_studies_are_not_mixed(tmp_path, capsys):
    path = tmp_path / "records.csv"
    other = CSV.partition("\n")[2].replace("s,a", "t,a").replace("s,c", "t,c").replace(",1\n", ",0\n")
    path.write_text(CSV + other)
    said = refused(compare(path), capsys)
    assert "expected the records of one study, got 2: s, t. Say which with --study NAME." in said
    assert "Did you mean" in refused(compare(path, "--study", "ss"), capsys)
    scores = {}
    for study in ("s", "t"):
        assert main(compare(path, "--study", study, "--json")) == 0
        estimates = json.loads(capsys.readouterr().out)["estimates"]
        scores[study] = next(e["value"] for e in estimates if (e["estimand"], e["arm"]) == ("score", "a"))
    assert scores == {"s": 0.5, "t": 0.0}
    path.write_text(CSV.replace("study,", "nothing,"))
    assert "a column 'study' for --study s" in refused(compare(path, "--study", "s"), capsys)


def inspect_log(change=lambda value: None):
    """Return an Inspect log with five samples."""
    samples = [
        {"id": n, "epoch": 1, "input": "q", "target": "a", "messages": [], "scores": {"match": {"value": "C"}}}
        for n in range(5)
    ]
    value = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}, "samples": samples}
    value |= {"results": {"scores": [{"name": "match", "scorer": "match", "metrics": {}}]}}
    change(value)
    return value


def archive(members):
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return out.getvalue()


HEADER = ("header.json", json.dumps({k: v for k, v in inspect_log().items() if k != "samples"}))
SAMPLES = [(f"samples/{n}_epoch_1.json", json.dumps(one)) for n, one in enumerate(inspect_log()["samples"])]
WRONG = (SAMPLES[0][0], SAMPLES[0][1].replace('"C"', '"I"'))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("duplicate.eval", archive([HEADER, *SAMPLES, WRONG]), "sample 0 (epoch 1) once"),
        ("broken.eval", archive([HEADER, *SAMPLES[1:], (SAMPLES[0][0], "{")]), "samples/0_epoch_1.json"),
        ("deep.eval", archive([HEADER, (SAMPLES[0][0], '{"a":' * 400_000)]), "nested too deeply"),
        ("bomb.eval", archive([HEADER, *SAMPLES, ("x", b"0" * (70 << 20))]), "times its size"),
        ("no.eval", b"PK\x03\x04" + b"\0" * 30, "a zip archive"),
        ("epoch.json", json.dumps(inspect_log(lambda v: v["samples"][0].update(epoch=-5))).encode(), "an epoch from 1"),
        ("epochs.json", json.dumps(inspect_log(lambda v: v["samples"][0].update(epoch=10**30))).encode(), "an epoch"),
        ("packed.csv", b"\x28\xb5\x2f\xfd" + b"\0" * 60, "packed by zstandard"),
        ("cut.json", json.dumps(inspect_log()).encode()[:-40], "truncated"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_logs_of_strangers(name, content, said, tmp_path, capsys):
    path, control = tmp_path / name, tmp_path / "control.json"
    path.write_bytes(content)
    control.write_text(json.dumps(inspect_log()))
    found = refused(["compare", f"distilled={path}", f"control={control}"], capsys)
    assert said in found
    assert name in found


def test_a_nested_column(tmp_path, capsys):
    path = tmp_path / "nested.parquet"
    pl.read_csv(CSV.encode()).with_columns(sample=pl.struct("replicate")).write_parquet(path)
    assert "sample: expected a column of Int64" in refused(compare(path), capsys)


def test_an_lm_eval_line_without_its_document(tmp_path, capsys):
    line = {"doc_id": 0, "doc": {}, "target": "0", "resps": [["a"]], "filter": "none", "metrics": ["acc"], "acc": 1.0}
    for arm in "dc":
        (tmp_path / arm).mkdir()
        lines = [{**line, "doc_id": n, "doc_hash": f"h{n}"} for n in range(4)]
        if arm == "d":
            del lines[2]["doc_id"]
        text = "".join(json.dumps(one) + "\n" for one in lines)
        (tmp_path / arm / "samples_t_2026-01-01T00-00-00.000000.jsonl").write_text(text)
    said = refused(["compare", f"distilled={tmp_path / 'd'}", f"control={tmp_path / 'c'}"], capsys)
    assert ".jsonl:3: doc_id: expected the number of the document" in said


SETTINGS = """\
study: settings-null
replicates: 1
world:
  kind: language
  tasks:
    divisors: {kind: reasoning-gym, task: gcd, train: 20, test: 10, new: 10, settings: {min_value: VALUE}}
"""


@pytest.mark.parametrize("value", ["null", "{a: 1}", ".nan", "[null]", "[[1]]"])
def test_a_setting_that_is_no_value(value, tmp_path, capsys):
    path = tmp_path / "study.yaml"
    path.write_text(SETTINGS.replace("VALUE", value))
    assert "study.yaml:6: world.tasks.divisors.settings.min_value: expected" in refused(["plan", str(path)], capsys)


HOSTILE = "bench\x1b]0;pwned\x07\x1b[2J\u202emark\u2066"


@pytest.mark.parametrize("command", [compare, lambda path: ["meta", str(path), "--effect", "x", "--variance", "y"]])
def test_names_that_steer_the_terminal_are_shown_escaped(command, tmp_path, capsys):
    path = tmp_path / "escape.csv"
    path.write_text(CSV.replace("benchmark", HOSTILE))
    said = refused(command(path), capsys)
    assert "\\x1b]0;pwned\\x07" in said
    assert not set(said) & set("\x1b\x07\u202e\u2066"), "no control character, no mark that turns the text around"
    assert "\\u202e" in said


def test_twenty_thousand_columns_take_no_time(tmp_path, capsys):
    import time

    path = tmp_path / "many.csv"
    path.write_text(",".join(f"c{n}" for n in range(20_000)) + ",arm,replicate,benchmark,item,score\n")
    start = time.process_time()
    assert "at least one row" in refused(compare(path), capsys)
    assert time.process_time() - start < 5, "it took 11 seconds while names were looked up one by one"
