"""JSON in which a key stands twice has no one meaning, and is refused wherever it comes from outside."""

import gzip
import json
import zipfile

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.cli import main
from gauger.errors import DamagedError, InputError
from gauger.measure.importers.json_lines import read_fields
from gauger.store import NestedError, RepeatedKeyError, parse_json, read_json, read_json_lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_has_every_key_once_is_what_json_says(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '{"b": [{"a": 1, "c": 2, "a": 3}]}', r'{"a": 1, "\u0061": 2}', '[{"": 0, "": 0}]']
)
def test_a_key_that_stands_twice_is_named(text):
    assert json.loads(text), "Python alone takes the last and says nothing"
    with pytest.raises(RepeatedKeyError, match=r'the key "a?" twice in one object'):
        parse_json(text)


NESTED = ("[" * 20_000 + "]" * 20_000, '{"a":' * 20_000)


@pytest.mark.parametrize("text", NESTED)
def test_what_is_nested_too_deeply_is_no_json(text, tmp_path):
    """A RecursionError is no ValueError: whoever forgot it ended in a traceback. Here nobody can."""
    with pytest.raises(NestedError, match="a value nested too deeply"):
        parse_json(text)
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(DamagedError, match="nested too deeply"):
        read_json(path)


def test_json_of_our_own_with_a_key_twice_is_damaged(tmp_path):
    path = tmp_path / "state.json"
    path.write_text('{"a": 1, "a": 2}')
    with pytest.raises(DamagedError, match="twice in one object"):
        read_json(path)


@pytest.mark.parametrize("text", NESTED)
@pytest.mark.parametrize("command", ["status", "clean", "verify", "report", "runs"])
def test_a_run_whose_files_are_nested_too_deeply(command, text, tmp_path, capsys):
    run = tmp_path / "runs" / "one"
    for name in ("jobs/jobs.json", "estimates.json", "manifest.json", "starts.jsonl", "frozen.json", "jobs/lock"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(text + "\n")
    code = main([command, str(run if command != "runs" else run.parent)])
    told = capsys.readouterr()
    assert code == (0 if command == "runs" else 2), told
    assert "Traceback" not in told.err


def test_a_line_is_named(tmp_path):
    path = tmp_path / "seeds.jsonl"
    path.write_text('{"id": 1}\n\n{"id": 2, "id": 3}\n')
    with pytest.raises(InputError, match="twice in one object") as raised:
        list(read_json_lines(path))
    assert f"{path}:3" in str(raised.value)


def test_a_line_without_the_field_does_not_hide_one_that_names_it_twice(tmp_path):
    """Twice in one line and nowhere in another: as many names as lines, and still one value too many."""
    path = tmp_path / "samples.jsonl"
    path.write_text('{"score": 1, "score": 0}\n{"other": 1}\n{"score": 0.5}\n')
    with pytest.raises(InputError, match=r'the key "score" twice'):
        read_fields(path, {"score": pl.Float64()})
    path.write_text('{"score": 1, "text": "\\"score\\""}\n{"other": 1}\n{"score": 0.5}\n')
    assert read_fields(path, {"score": pl.Float64()})["score"].to_list() == [1.0, None, 0.5]


SAMPLE = '{{"doc_id": {0}, "target": "x", "filter": "none", "metrics": ["acc"], "acc": {1}, "doc": {{"acc": 5}}}}'


def compare(capsys, *paths):
    code = main(["compare", *(f"{arm}={path}" for arm, path in zip(("distilled", "control"), paths, strict=True))])
    return code, capsys.readouterr().err


@pytest.mark.parametrize("packed", [False, True])
def test_a_log_that_scores_an_item_twice_is_refused_although_the_fast_reader_takes_the_first(tmp_path, capsys, packed):
    """One line scores an item twice, another not at all, so that even the number of scores is right."""
    lines = [SAMPLE.format(number, number % 2) for number in range(20)]
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "samples_sums_1.jsonl").write_text("\n".join(lines))
    lines[4] = lines[4].replace('"acc": 0', '"acc": 1, "acc": 0')
    lines[9] = lines[9].replace('"acc": 1, "doc"', '"other": 1, "doc"')
    broken = tmp_path / "distilled" / ("samples_sums_1.jsonl" + (".gz" if packed else ""))
    broken.parent.mkdir()
    content = "\n".join(lines).encode()
    broken.write_bytes(gzip.compress(content) if packed else content)
    code, told = compare(capsys, broken.parent, tmp_path / "control")
    assert code == 2
    assert 'the key "acc" twice in one object' in told
    assert "Traceback" not in told


def test_an_inspect_log_with_a_key_twice_is_refused(tmp_path, capsys):
    for arm in ("distilled", "control"):
        with zipfile.ZipFile(tmp_path / f"{arm}.eval", "w") as archive:
            archive.writestr("header.json", '{"version": 2, "eval": {"task": "sums"}, "eval": {"task": "other"}}')
    code, told = compare(capsys, tmp_path / "distilled.eval", tmp_path / "control.eval")
    assert code == 2
    assert 'the key "eval" twice in one object' in told
