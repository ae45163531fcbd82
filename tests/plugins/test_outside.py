"""An outside package adds one part of each kind, and one study and one comparison use them all."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from plugins.write_docs import MARK, filled

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STUDY = HERE / "codes.yaml"
LABEL = "kind: text-distill, strategy: label, seeds: benchmark-train, forms: [ask], samples: 10, steps: 10, batch: 8"
SHORT = ("replicates=1", "teacher.training.steps=30", "student.training.steps=5")
CONTROLS = ("placebo", "format", "leak", "reference")


def gauger(*arguments, packages=HERE, check=True):
    """Run a command where the outside package is installed."""
    path = os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "gauger", *map(str, arguments)]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=check, timeout=300
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("outside") / "run"
    gauger("run", STUDY, "--out", out)
    return out


@pytest.fixture(scope="module")
def document(run):
    return json.loads((run / "estimates.json").read_text("utf-8"))


def test_every_stage_control_and_strategy_runs_in_the_outside_world_with_the_outside_engine(run, document):
    records = pl.read_parquet(run / "records.parquet")
    arms = {arm["name"] for arm in document["arms"]}
    assert {"verified, strict", "verified, last-word"} == {row["measure"] for row in document["study"]["extraction"]}
    declared = {"label", "backwards", "expand", "textbook", "seedless", "twice", "pipeline"}
    assert declared | {"base", "teacher", "placebo", "format", "leak", "reference"} <= arms
    assert document["failures"] == []
    assert set(records["arm"]) == arms
    assert records.filter(arm="teacher")["score"].mean() > 0.3


def test_its_parts_did_what_they_say(run, document):
    corpora = pl.read_parquet(run / "corpora.parquet").filter(arm="backwards", replicate=0)
    ledger = corpora.join(pl.read_parquet(run / "ledger.parquet"), on="corpus", maintain_order="left_right")
    asked = ledger.filter(source="teacher")
    assert asked["strategy"].unique().to_list() == ["backwards"]
    dropped = asked["dropped"].to_list()
    assert dropped == [None, "no-second"] * (len(dropped) // 2)
    seeds = [int(key.removeprefix("plants:plants")) for (key,) in asked["seed_ids"].to_list()]
    assert seeds == sorted(seeds, reverse=True)
    halves = {row["benchmark"]: row["value"] for row in rows(document, "half_gain", "label")}
    gains = {row["benchmark"]: row["value"] for row in rows(document, "gain", "label")}
    assert halves == {name: pytest.approx(value / 2) for name, value in gains.items()}
    assert "How much there is to read" in (run / "report.html").read_text("utf-8")


def rows(document, estimand, arm):
    return [row for row in document["estimates"] if (row["estimand"], row["arm"]) == (estimand, arm)]


def test_nothing_held_out_is_trained_on_but_in_the_leak(run):
    ledger = pl.read_parquet(run / "corpora.parquet").join(pl.read_parquet(run / "ledger.parquet"), on="corpus")
    touched = ledger.filter(pl.col("dropped").is_null(), pl.col("overlaps").list.len() > 0)
    assert set(touched["arm"]) == {"leak"}


def test_the_defence_matters_by_its_strength(tmp_path):
    """Of one arm alone, behind the outside defence at no strength and at its whole."""
    notes, off = {}, "{off: not the point of this test}"
    alone = ["arms={label: {stages: [{" + LABEL + "}]}}", *(f"controls.{control}={off}" for control in CONTROLS)]
    for strength in (0.0, 1.0):
        changes = [*alone, *SHORT, "teacher.surface.defence=blank", f"teacher.surface.strength={strength}"]
        settings = [word for change in changes for word in ("--set", change)]
        out = tmp_path / f"run{strength}"
        gauger("run", STUDY, "--out", out, *settings, "--workers", "1", check=False)
        found = [pl.read_parquet(path) for path in (out / "jobs").rglob("ledger.parquet")]
        ledger = pl.concat([rows.filter(strategy="label", source="teacher", teacher="teacher") for rows in found])
        notes[strength] = ledger["dropped"].is_null().sum()
        assert set(ledger["surface"]) == {f"text, log-probabilities, blank {strength:g}"}
    assert notes[0.0] > 0
    assert notes[1.0] == 0


def test_an_unknown_part_is_answered_with_the_nearest(tmp_path):
    said = gauger("plan", STUDY, "--set", "teacher.surface.defence=blanc", check=False)
    assert said.returncode == 2
    assert "expected a known defence, got 'blanc'. Did you mean 'blank'?" in said.stderr
    said = gauger("plan", STUDY, packages=tmp_path, check=False)
    assert said.returncode == 2
    assert "codes" in said.stderr


def test_its_task_stands_in_a_language_world(tmp_path):
    code = (
        "from gauger.spec import LanguageWorld\nfrom gauger.worlds.registry import open_world\n"
        "settings = LanguageWorld.model_validate({'kind': 'language', 'tasks': {'odd': {'kind': 'parity'}}})\n"
        "world = open_world(settings)\n"
        "item = world.benchmark('odd-qa').items[0]\n"
        "print(item.prompt, world.grade(item.prompt, item.answer, ended=True), len(world.train_questions('odd')))\n"
    )
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == "Answer: 1.0 20"


def test_its_logs_are_read(tmp_path):
    for arm, scores in (("a", (1, 1, 1, 0, 1, 0)), ("b", (0, 1, 0, 0, 1, 0))):
        lines = [f"item{n} {score}" for n, score in enumerate(scores)]
        (tmp_path / f"{arm}.log").write_text("outside-log sums\n" + "\n".join(lines) + "\n", "utf-8")
    said = gauger("compare", f"distilled={tmp_path / 'a.log'}", f"control={tmp_path / 'b.log'}", "--json")
    (uplift,) = [r for r in json.loads(said.stdout)["estimates"] if r["estimand"] == "uplift" and r["benchmark"]]
    assert (uplift["benchmark"], uplift["value"]) == ("sums", pytest.approx(2 / 6))


def keys(packages):
    """Every planned job's key, by what it does."""
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom gauger.study.load import open_study, plan_loaded\n"
        "plan, _ = plan_loaded(open_study(Path(sys.argv[1])))\n"
        "print(json.dumps([[j.kind, j.name, j.key, j.params.get('strategy'), j.params.get('filters')]"
        " for j in plan.jobs.values()]))\n"
    )
    path = os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run(
        [sys.executable, "-c", code, str(STUDY)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("filter.py", lambda kind, strategy, filters: bool(filters)),
        ("strategy.py", lambda kind, strategy, filters: kind == "ask-teacher" and strategy == "backwards"),
        ("stage_job.py", lambda kind, strategy, filters: kind == "train-twice"),
        ("defence.py", lambda kind, strategy, filters: False),
        ("chapter.py", lambda kind, strategy, filters: False),
        ("engine.py", lambda kind, strategy, filters: kind not in {"gather", "gather-questions", "blend"}),
        ("world.py", lambda kind, strategy, filters: kind != "blend"),
    ],
)
def test_an_edit_changes_the_addresses_of_those_that_use_the_part_and_no_others(edited, changes, tmp_path):
    """Addresses hold their inputs' addresses: a job downstream of a change changes too."""
    copied = tmp_path / "packages"
    shutil.copytree(HERE, copied, ignore=shutil.ignore_patterns("__pycache__", "test_*"))
    before = keys(copied)
    path = copied / "outside" / edited
    path.write_text(path.read_text("utf-8") + "\n# a comment\n", "utf-8")
    after = keys(copied)
    assert len(before) == len(after)
    own = {one[1] for one, other in zip(before, after, strict=True) if one[2] != other[2]}
    for kind, name, _, strategy, filters in before:
        if changes(kind, strategy, filters):
            assert name in own, f"{name} uses {edited}"
    if not any(changes(kind, strategy, filters) for kind, _, _, strategy, filters in before):
        assert own == set()
    else:
        untouched = [name for _, name, *_ in before if name not in own]
        assert untouched or edited in {"world.py", "engine.py"}


def test_the_page_on_extending_shows_the_files_as_they_are():
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    assert filled(page) == page, "write it again: make docs"
    shown = {Path(found[1]).name for found in MARK.finditer(page)}
    written = {path.name for path in (HERE / "outside").glob("*.py")} - {"__init__.py"}
    assert shown - {"entry_points.txt"} == written
