"""HELM's statistics: perturbed copies of instances are no further items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gauger.api import compare
from gauger.errors import InputError
from gauger.measure.importers.contents import opened
from gauger.measure.importers.formats import read_file
from gauger.measure.importers.helm import read
from gauger.measure.importers.log import Log, Wants

KINDS = ({"name": "dialect", "fairness": True, "prob": 1.0}, {"name": "gender", "mode": "terms"},
         {"name": "gender", "mode": "pronouns"})  # fmt: skip


def entry(i: int, score: float, perturbation: dict[str, Any] | None = None) -> dict[str, Any]:
    """One instance as HELM writes it: a perturbed one says so in its own name and in those of its statistics."""
    told = {} if perturbation is None else {"perturbation": perturbation}
    name = {"name": "exact_match", "split": "test", **told}
    worst = {"name": "exact_match", "split": "test", "perturbation": {"name": "robustness", "computed_on": "worst"}}
    stats = [{"name": name, "count": 1, "sum": score, "mean": score}, {"name": worst, "mean": 0.25}]
    return {"instance_id": f"id{i}", "train_trial_index": 0, "stats": stats, **told}


def write(folder: Path, entries: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    (folder / "per_instance_stats.json").write_text(json.dumps(entries))
    return folder


def only(folder: Path, by: str | None = None) -> Log:
    with opened(folder / "per_instance_stats.json") as contents:
        (log,) = read(contents, Wants(by=by))
    return log


def with_copies(scores: Sequence[float]) -> list[dict[str, Any]]:
    return [entry(i, score, kind) for i, score in enumerate(scores) for kind in (*KINDS, None)]


def test_perturbed_copies_are_left_out_and_counted(tmp_path: Path) -> None:
    log = only(write(tmp_path / "a", with_copies([1.0, 0.0])))
    assert log.rows.select("row", "id", "score").rows() == [(3, "id0", 1.0), (7, "id1", 0.0)]
    assert log.notes == ("6 perturbed copies of instances are left out; --by perturbation compares them too",)


def test_by_perturbation_copies_are_items_in_one_cluster_with_their_instance(tmp_path: Path) -> None:
    log = only(write(tmp_path / "a", with_copies([1.0, 0.0])), by="perturbation")
    first = log.rows.filter(cluster="id0")
    assert first["group"].to_list() == ["dialect, prob=1.0", "gender, mode=terms", "gender, mode=pronouns", "none"]
    assert (log.notes, log.n_items, set(log.rows["score"])) == ((), 8, {0.0, 1.0})


def test_a_file_of_perturbed_instances_alone_is_read(tmp_path: Path) -> None:
    log = only(write(tmp_path / "a", [entry(i, 1.0, KINDS[0]) for i in range(3)]))
    assert (log.n_items, log.rows["cluster"].to_list()) == (3, ["id0", "id1", "id2"])


def test_exact_copies_tell_nothing_more(tmp_path: Path) -> None:
    scores = {"distilled": [float(i % 3 > 0) for i in range(60)], "control": [float(i % 4 == 0) for i in range(60)]}

    def interval(name: str, copies: bool, by: str | None = None) -> tuple[float, float, float]:
        arms = {
            arm: [write(tmp_path / name / f"x,model={arm}",
                        with_copies(given) if copies else [entry(i, s) for i, s in enumerate(given)])]
            for arm, given in scores.items()
        }  # fmt: skip
        estimates = compare(arms, by=by).to_dict()["estimates"]
        row = next(e for e in estimates if e["estimand"] == "uplift" and e["benchmark"])
        return row["value"], row["low"], row["high"]

    alone = interval("alone", copies=False)
    assert interval("copied", copies=True) == alone
    assert interval("grouped", copies=True, by="perturbation") == pytest.approx(alone, abs=0.01)


@pytest.mark.parametrize("trial", [10**30, -1, 1_000_000, True, "0", 0.5, [1]])
def test_a_trial_that_no_evaluation_has_is_refused(tmp_path: Path, trial: object) -> None:
    write(tmp_path / "run", [entry(0, 1.0), {**entry(1, 1.0), "train_trial_index": trial}])
    with pytest.raises(InputError, match=r"per_instance_stats.json: expected a train_trial_index from 0 to 999,999"):
        read_file(tmp_path / "run" / "per_instance_stats.json", "distilled", Wants())


def test_a_score_beyond_every_number_is_a_fault_of_the_file(tmp_path: Path) -> None:
    write(tmp_path / "run", [entry(0, 1.0), entry(1, 10**400)])
    with pytest.raises(InputError, match=r"expected HELM per-instance statistics throughout"):
        read_file(tmp_path / "run" / "per_instance_stats.json", "distilled", Wants())


def test_trials_are_samples_and_one_that_is_not_said_is_the_first(tmp_path: Path) -> None:
    entries = [{**entry(0, 1.0), "train_trial_index": trial} for trial in (None, 1, 2)]
    assert only(write(tmp_path / "run", entries)).rows["sample"].to_list() == [0, 1, 2]
