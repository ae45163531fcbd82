"""`gauger compare`: from logs on disk to text, JSON, a report, and messages that say whose mistake it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from gauger.cli.compare import register
from gauger.errors import UserError
from gauger.store.documents import read_document
from measure.importers.inspect_logs import sample, write_inspect
from measure.importers.lm_eval_logs import write_generation_log

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()

    @app.callback()
    def root() -> None:
        """Stand in for the whole application."""

    register(app)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["compare", *arguments])

    return call


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for arm, rate in (("distilled", 0.7), ("control", 0.5), ("teacher", 0.95)):
        for seed in range(1 if arm == "teacher" else 2):
            found = (rng.random((2, 80)) < rate).astype(float)
            write_generation_log(tmp_path / arm / str(seed) / "m", found[0], found.max(axis=0), model=f"{arm}{seed}")
    return tmp_path


@pytest.fixture
def records(tmp_path: Path) -> str:
    rng = np.random.default_rng(1)
    rows = ["arm,replicate,benchmark,item,score"]
    for benchmark in ("quiz", "cloze"):
        for arm, rate in (("student", 0.7), ("plain", 0.4), ("boss", 0.9)):
            rows += [f"{arm},{r},{benchmark},i{i},{int(rng.random() < rate)}" for r in range(3) for i in range(50)]
    (tmp_path / "records.csv").write_text("\n".join(rows) + "\n")
    return "records.csv"


def loads(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.output
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_json_is_the_document_of_the_contract(run: Run, logs: Path) -> None:
    value = loads(run("distilled=distilled", "control=control", "teacher=teacher", "--json"))
    assert value["schema"] == "gauger.estimates/2"
    assert value["study"]["kind"] == "compare"
    assert {one["estimand"] for one in value["estimates"]} == {"score", "uplift", "gap_recovered"}
    assert all((one["value"] is None) == (one["reason"] is not None) for one in value["estimates"])
    assert value["study"]["replicates"] == {"distilled": 2, "control": 2, "teacher": 1}


def test_text_shows_the_scores_the_uplift_and_the_other_scorings(run: Run, logs: Path) -> None:
    done = run("distilled=distilled", "control=control")
    assert done.exit_code == 0
    for words in ("Score on", "gsm8k", "uplift", "Items", "exact_match, flexible-extract"):
        assert words in done.stdout


def test_warnings_go_to_standard_error_and_into_the_document(run: Run, logs: Path) -> None:
    rng = np.random.default_rng(5)
    write_generation_log(logs / "other" / "m", rng.integers(0, 2, 70).astype(float), [1.0] * 70, shots=0, model="other")
    done = run("distilled=distilled", "control=other", "--json")
    value = loads(done)
    assert any(one.startswith("few-shot examples differ: distilled 5; control 0") for one in value["warnings"])
    assert any("10 items (doc 70, doc 71, doc 72, ...) not in the logs of control" in one for one in value["warnings"])
    assert [line.removeprefix("warning: ") for line in done.stderr.splitlines()] == value["warnings"]


def test_out_writes_the_estimates_and_the_report(run: Run, logs: Path) -> None:
    done = run("distilled=distilled", "control=control", "--out", "out/here", "--json")
    written = read_document(logs / "out" / "here" / "estimates.json")
    assert json.loads(json.dumps(written.to_dict())) == loads(done)
    html = (logs / "out" / "here" / "report.html").read_text()
    assert "Comparison of evaluation logs" in html
    assert "report.html" in done.stderr


def test_a_records_table_is_compared_by_the_names_of_its_arms(run: Run, records: str) -> None:
    roles = ("--role", "quiz=targeted", "--role", "cloze=near")
    value = loads(run(records, "--distilled", "student", "--control", "plain", "--teacher", "boss", *roles, "--json"))
    assert [arm["name"] for arm in value["arms"]] == ["student", "plain", "boss"]
    assert value["study"]["paired"] is True
    assert any(one["estimand"] == "carryover" and one["value"] is not None for one in value["estimates"])
    assert not loads(run(records, "--distilled", "student", "--control", "plain", "--independent", "--json"))["study"][
        "paired"
    ]


def test_inspect_logs_and_patterns(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for arm, rate in (("d", 0.7), ("c", 0.4)):
        for seed in range(2):
            samples = [sample(i, {"match": "CI"[int(rng.random() > rate)]}) for i in range(40)]
            write_inspect(tmp_path / f"{arm}{seed}.eval", samples, model=f"toy/{arm}{seed}")
    value = loads(run("distilled=d*.eval", "control=c0.eval", "control=c1.eval", "--json"))
    assert value["study"]["replicates"] == {"distilled": 2, "control": 2}
    assert value["study"]["measures"] == {"addition": "match"}


def test_options_choose_the_score(run: Run, logs: Path) -> None:
    arguments = ("distilled=distilled", "control=control", "--json")
    plain = loads(run(*arguments))
    flexible = loads(run(*arguments, "--filter", "flexible-extract", "--metric", "exact_match"))
    missing = loads(run(*arguments, "--unparsed", "missing"))
    assert plain["study"]["measures"]["gsm8k"] == "exact_match, strict-match"
    assert flexible["study"]["measures"]["gsm8k"] == "exact_match, flexible-extract"
    assert plain["estimates"] != missing["estimates"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("distilled=distilled",), "a distilled arm and a control"),
        (("control=control", "teacher=teacher"), "a distilled arm and a control"),
        (("distiled=distilled", "control=control"), "Did you mean 'distilled'"),
        (("distilled=distilled", "control"), "expected ARM=PATH, got 'control'"),
        (("distilled=", "control=control"), "expected ARM=PATH"),
        (("distilled=nowhere", "control=control"), "nowhere: expected an existing file"),
        (("distilled=distilled", "control=control", "--role", "gsm8k"), "expected BENCHMARK=ROLE, got 'gsm8k'"),
        (("distilled=distilled", "control=control", "--role", "gsm8k=close"), "a known role for gsm8k"),
        (("distilled=distilled", "control=control", "--metric", "acc"), "a metric of the logs, got 'acc'"),
        (("distilled=distilled", "control=control", "--unparsed", "zero"), "--unparsed wrong or missing"),
        (("distilled=distilled", "control=control", "--out", "taken"), "taken: expected a folder for --out"),
        (("distilled=distilled", "control=control", "--distilled", "x"), "one records table beside"),
        (("nowhere.csv", "--distilled", "x", "--control", "y"), "nowhere.csv: expected an existing file"),
        (("control", "--distilled", "x", "--control", "y"), "one records table beside --distilled and --control"),
    ],
)
def test_a_users_mistake_is_said_as_one(run: Run, logs: Path, arguments: tuple[str, ...], says: str) -> None:
    (logs / "taken").write_text("a file")
    done = run(*arguments)
    assert isinstance(done.exception, UserError)
    assert says in str(done.exception)
    assert done.stdout == ""


def test_a_broken_log_is_left_out_and_named_by_file_and_line(run: Run, logs: Path) -> None:
    (broken,) = (logs / "control" / "1" / "m").glob("samples_*.jsonl")
    text = broken.read_text()
    broken.write_text(text[: len(text) // 2])
    value = loads(run("distilled=distilled", "control=control", "--json"))
    assert value["study"]["replicates"] == {"distilled": 2, "control": 1}
    (said,) = (one for one in value["warnings"] if "not readable" in one)
    assert said.startswith(f"control: left out, not readable: 1/m/{broken.name}:")
    assert "breaks off" in said


def test_where_no_log_of_an_arm_can_be_read_nothing_is_estimated(run: Run, logs: Path) -> None:
    (broken,) = (logs / "control" / "1" / "m").glob("samples_*.jsonl")
    text = broken.read_text()
    broken.write_text(text[: len(text) // 2])
    done = run("distilled=distilled", "control=control/1", "--json")
    assert isinstance(done.exception, UserError)
    assert f"{broken.name}:" in str(done.exception)
    assert "breaks off" in str(done.exception)
    assert done.stdout == ""


def test_a_log_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    rows = [f"{arm},b\x1b[2J,i{i}\x1b[31m{arm},1" for arm in ("d", "c") for i in range(3)]
    rows += [f"{arm},b\x1b[2J,same{i},{i % 2}" for arm in ("d", "c") for i in range(4)]
    (tmp_path / "records.csv").write_text("arm,benchmark,item,score\n" + "\n".join(rows) + "\n")
    done = run("records.csv", "--distilled", "d", "--control", "c")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\\x1b[2J" in done.stdout
    assert "\\x1b[31m" in done.stderr


HOW_TO = Path(__file__).parents[2] / "docs" / "how-to-compare.md"


def test_the_how_to_names_options_that_exist(run: Run) -> None:
    known = set(re.findall(r"--[a-z]+", run("--help").stdout))
    written = set(re.findall(r"(?<![-\w])--[a-z_]+", HOW_TO.read_text(encoding="utf-8")))
    of_the_harness = {"--log_samples", "--output_path", "--limit"}
    assert written - of_the_harness <= known
    assert known - {"--help", "--base"} <= written
