"""Controlled studies: an embedded world moves slopes and never a level; a language model moves both.

The adversary is a run of huge uplifts in an embedded world; the naive forecasters, which take its level or put the
regression that runs need in the place of the chosen form, move by it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gauger.cli.application import main
from gauger.errors import InputError
from gauger.forecast.choose import group_weights
from gauger.forecast.controlled import RunRows, _samples, _taught_by, read_run
from gauger.forecast.designs import Rows
from gauger.forecast.entered import FORM, JointFit, TaughtFit, fit_jointly, moved, teach
from gauger.forecast.forms import Fitted, fit_form, form_named
from gauger.forecast.literature import LiteratureRows
from gauger.forecast.planted import PlantedEffects, draw_literature
from gauger.forecast.predictive import NORMAL_DF, Predictive
from gauger.forecast.predictors import CATEGORIES, NUMBERS


@pytest.fixture(scope="module")
def planted() -> LiteratureRows:
    return draw_literature(PlantedEffects(missing=0.2), 25, np.random.default_rng(0))


def rows(samples: list[float]) -> Rows:
    m = len(samples)
    numbers = {one.name: np.full(m, np.nan) for one in NUMBERS} | {"samples": np.array(samples), "start": np.zeros(m)}
    categories = {one.name: np.full(m, one.levels[0], dtype="<U24") for one in CATEGORIES}
    return Rows(np.zeros(m, dtype=np.intp), numbers, categories)


def run(level: float, slope: float, *, shape_only: bool) -> RunRows:
    doses = [3.0, 4.0, 5.0, 6.0] * 3
    effect = level + slope * (np.array(doses) - 4.5)
    return RunRows("run", "atlas", rows(doses), effect, 1e-4 * np.eye(12), np.arange(12), shape_only)


def at(fit: JointFit, dose: float) -> float:
    return float(fit.predict(rows([dose]), np.array([0.5]), np.zeros(1)).mean[0])


def test_an_embedded_world_never_moves_a_level(planted: LiteratureRows) -> None:
    form = form_named(FORM)
    low, high = (fit_jointly(planted, [run(level, 0.0, shape_only=True)], form) for level in (-0.5, 0.5))
    assert at(low, 4.5) == pytest.approx(at(high, 4.5), abs=1e-3)
    # the same rows with a level that counts do move it: the test above could fail
    moved = [fit_jointly(planted, [run(level, 0.0, shape_only=False)], form) for level in (-0.5, 0.5)]
    assert at(moved[1], 4.5) - at(moved[0], 4.5) > 0.005


def test_its_shape_is_learned_in_the_planted_direction(planted: LiteratureRows) -> None:
    form = form_named(FORM)
    down, up = (fit_jointly(planted, [run(0.0, slope, shape_only=True)], form) for slope in (-0.1, 0.1))
    assert at(up, 6.0) - at(up, 3.0) > at(down, 6.0) - at(down, 3.0) + 0.05


@pytest.fixture(scope="module")
def chosen(planted: LiteratureRows) -> Fitted:
    return fit_form(form_named("mean by role and control"), planted)


def level_of(taught: TaughtFit, planted: LiteratureRows, role: int = 0) -> float:
    """Mean of what is added over the literature's studies, angles."""
    here = planted.role == role
    shift = taught.shift(Rows.of(planted), planted.start)[here]
    return float(np.average(shift, weights=group_weights(planted.study)[here]))


def test_what_an_embedded_run_adds_has_no_level_whatever_the_run_found(planted: LiteratureRows, chosen: Fitted) -> None:
    huge, points = run(0.5, 0.1, shape_only=True), rows([3.0, 6.0])
    taught = teach(planted, [huge], chosen)
    assert level_of(taught, planted) == pytest.approx(0.0, abs=1e-9)
    low, high = taught.shift(points, np.array([0.5, 0.5]))
    assert high - low > 0.05, "its shape is added"
    # the naive: the run's level counts
    naive = teach(planted, [run(0.5, 0.1, shape_only=False)], chosen)
    assert level_of(naive, planted) > 0.004
    # roles that the run does not tell stay as they were
    elsewhere = Rows(np.full(2, 2), points.numbers, points.categories)
    start, nothing = np.array([0.5, 0.5]), np.zeros(2)
    same = chosen.predict(elsewhere, start, nothing).mean
    assert taught.predict(elsewhere, start, nothing).mean == pytest.approx(same, abs=1e-9)


def test_a_run_that_teaches_nothing_moves_nothing(planted: LiteratureRows, chosen: Fitted) -> None:
    vague = RunRows("run", "atlas", rows([3.0, 4.0]), np.array([0.3, -0.2]), 1e4 * np.eye(2), np.arange(2), True)
    here, start, nothing = rows([4.5]), np.array([0.5]), np.zeros(1)
    before = chosen.predict(here, start, nothing).mean[0]
    taught = teach(planted, [vague], chosen)
    assert taught.predict(here, start, nothing).mean[0] == pytest.approx(before, abs=0.05)
    # the naive: the regression in place of the chosen form moves the level by the change of form alone
    swapped = moved_points(taught.joint.predict(here, start, nothing))
    assert abs(swapped - before) > 0.5


def moved_points(raw: Predictive) -> float:
    return float(100.0 * (np.sin(np.arcsin(np.sqrt(raw.start)) + raw.mean) ** 2 - raw.start)[0])


@pytest.mark.parametrize("scale", ["points", "arcsine", "logit"])
def test_a_step_in_angles_is_the_same_step_on_every_scale(scale: str) -> None:
    start, end, step = 0.4, 0.55, 0.1
    mean = {"points": 15.0, "arcsine": np.arcsin(np.sqrt(end)) - np.arcsin(np.sqrt(start)),
            "logit": np.log(end / (1 - end)) - np.log(start / (1 - start))}[scale]  # fmt: skip
    zero = np.zeros(1)
    raw = Predictive(scale, np.array([mean]), zero, zero + 1e-12, zero, np.array([start]), np.array([[1.0, NORMAL_DF]]))
    after = float(Predictive(scale, moved(raw, np.array([step])), *_rest(raw)).quantiles(np.array([0.5]))[0, 0])
    assert after == pytest.approx(100.0 * (np.sin(np.arcsin(np.sqrt(end)) + step) ** 2 - start), abs=1e-3)


def _rest(raw: Predictive) -> tuple[np.ndarray, ...]:
    return raw.of_mean, raw.of_new, raw.sampling, raw.start, raw.spread


def test_an_arm_counts_what_it_starts_from_and_says_how_it_was_taught() -> None:
    stages = {"label": {"kind": "text-distill", "strategy": "label", "samples": 40},
              "logits": {"kind": "logit-distill", "strategy": "seedless", "samples": 30},
              "reasons": {"kind": "text-distill", "strategy": "rationale", "samples": 7},
              "mine": {"kind": "rl", "prompts": 9}}  # fmt: skip
    starts = {"label": "base", "logits": "label", "reasons": "base", "mine": "logits"}
    study = {"arms": {name: {"start": starts[name], "stages": [stage]} for name, stage in stages.items()}}
    assert [_samples(study, name) for name in stages] == [40, 70, 7, 70]
    assert [_taught_by(study, name) for name in stages] == [
        ("answers", "answers"), ("log-probabilities", "logits"), ("reasoning", "rationales"),
        ("log-probabilities", "logits"),
    ]  # fmt: skip


def test_a_finished_run_enters_and_its_arms_are_told_apart(finished_run: Path) -> None:
    entered = read_run(finished_run)
    assert entered.shape_only
    assert set(entered.rows.categories["method"]) == {"answers", "logits"}
    assert sorted(set(np.round(10 ** entered.rows.numbers["samples"]))) == [40, 70]
    assert np.linalg.eigvalsh(entered.covariance).min() > 0


def _other_study(folder: Path) -> None:
    (folder / "study.resolved.json").write_text("[1]")


def _broken_study(folder: Path) -> None:
    (folder / "study.resolved.json").write_text("{")


def _invalid(folder: Path) -> None:
    document = json.loads((folder / "estimates.json").read_text())
    document["verdict"]["outcome"] = "invalid"
    (folder / "estimates.json").write_text(json.dumps(document))


def _other_document(folder: Path) -> None:
    (folder / "estimates.json").write_text(json.dumps({"schema": "gauger.forecast/1"}))


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (_other_study, "the study that a run was planned from"),
        (_broken_study, "the study that a run was planned from"),
        (_invalid, "a run whose instrument passed its checks"),
        (_other_document, "a file of schema gauger.estimates/"),
        (lambda folder: (folder / "estimates.json").unlink(), "no estimates.json"),
        (lambda folder: (folder / "records.parquet").unlink(), "no records.parquet"),
    ],
)
def test_what_is_no_finished_run_is_told(copy_of_run: Path, spoil, wanted: str) -> None:
    spoil(copy_of_run)
    with pytest.raises(InputError, match=wanted):
        read_run(copy_of_run)


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("study: x")
    for path, given in ((tmp_path / "nowhere", "nothing there"), (file, "a file")):
        assert main(["forecast", "small-lab", "--study", str(path)]) == 2
        error = capsys.readouterr().err
        assert given in error
        assert "gauger run STUDY.yaml --out DIR" in error
        assert "Traceback" not in error
