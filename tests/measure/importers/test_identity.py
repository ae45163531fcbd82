"""Identity that no layout of files changes: trained models, benchmarks, and the evaluation that counts."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.estimate.compare.logs import ComparisonQuestion, compare
from gauger.measure.importers.arm import agree_on_benchmarks, arm_of_logs, gather_arm, refuse_shared_logs
from gauger.measure.importers.identity import identify
from gauger.measure.importers.log import ROWS, Log, Measure
from measure.importers.inspect_logs import sample, write_inspect
from measure.importers.lm_eval_logs import write_generation_log

N = 30


def log(model: str | None, benchmark: str = "b", n: int = 4, **changes: object) -> Log:
    rows = [
        (k, None, f"{k}:t", str(k), f"doc {k}", 0, None, None, None, None, "none", "acc", "scored", 1.0)
        for k in range(n)
    ]
    frame = pl.DataFrame(rows, schema=dict(ROWS), orient="row")
    fields = {"file": "f", "format": "lm-eval", "rows": frame, "measures": (Measure("none", "acc"),)}
    return Log(benchmark=benchmark, model=model, **{**fields, **changes})


def write(folder: Path, model: str, task: str, day: int, n: int = N, **changes: object) -> None:
    rng = np.random.default_rng([len(task), *model.encode(), day])
    rate = 0.7 if "student" in model else 0.4
    scores = (rng.random(n) < rate).astype(float).tolist()
    date = f"2025-01-{day:02d}T00-00-00.0"
    write_generation_log(folder, scores, scores, task=task, date=date, model=model, **changes)


PLACES = (
    "{model}/{task}",
    "{task}/{model}",
    "{model}",
    "all",
    "x/{task}/y/{model}/z",
    "{day}",
    "{day}/{task}",
    "{task}",
)
"""Layouts that people use; none of them may matter."""
FILES = [(f"student-{seed}", task) for seed in range(2) for task in ("gsm8k", "arc")]


def estimates(root: Path) -> list[dict[str, object]]:
    arms = [gather_arm(kind, kind, [str(root / kind)]) for kind in ("distilled", "control")]
    return [one.to_dict() for one in compare(arms, ComparisonQuestion()).estimates]


def lay_out(root: Path, places: list[str], order: list[int]) -> None:
    """Write the same evaluations into other folders: two seeds, two tasks, a smoke run and a copy of an old one."""
    for k in order:
        model, task = FILES[k]
        day = 10 + k
        where = root / "distilled" / places[k].format(model=model, task=task, day=day)
        write(where, model, task, day)
    where = root / "distilled" / places[0].format(model="student-0", task="gsm8k", day=9)
    write(where, "student-0", "gsm8k", 9, n=5)
    for k, task in enumerate(("gsm8k", "arc")):
        write(root / "control" / places[4].format(model="plain", task=task, day=20 + k), "plain", task, 20 + k)


@settings(max_examples=12, deadline=None)
@given(
    places=st.lists(st.sampled_from(PLACES), min_size=5, max_size=5),
    order=st.permutations(range(len(FILES))),
)
def test_no_layout_of_the_same_files_changes_an_estimate(
    tmp_path_factory: pytest.TempPathFactory, places: list[str], order: list[int]
) -> None:
    plain, other = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("other")
    lay_out(plain, ["{model}"] * 5, list(range(len(FILES))))
    lay_out(other, places, order)
    expected = estimates(plain)
    assert expected == estimates(other)
    assert {one["n_replicates"] for one in expected if one["estimand"] == "uplift"} == {2}


def test_folders_taken_for_models_would_fail_that_property(tmp_path: Path) -> None:
    """The naive rule (a folder is a trained model) calls one model on three tasks three trainings."""
    for k, task in enumerate(("gsm8k", "arc", "svamp")):
        write(tmp_path / task, "student", task, 1 + k)
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert len({one.run for one in arm.logs}) == 3
    assert arm.n_replicates == 1


def test_adapters_and_revisions_of_one_base_are_different_trainings(tmp_path: Path) -> None:
    for seed in range(2):
        write(tmp_path / str(seed), "base", "gsm8k", 1 + seed)
        results = next((tmp_path / str(seed)).glob("results*.json"))
        text = results.read_text().replace("pretrained=base", f"pretrained=base,peft=lora-seed{seed}")
        results.write_text(text)
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert [one.model for one in arm.logs] == ["base peft=lora-seed0", "base peft=lora-seed1"]
    assert (arm.n_replicates, arm.notes) == (2, ())


@pytest.mark.parametrize(
    ("models", "warned"),
    [
        (("org/s-0", "org/s-1", "org/s-2"), False),
        (("run-seed0/out", "run-seed1/out"), False),
        (("toy/d0", "toy/d1"), False),
        (("org/student", "org/untrained"), True),
        (("Llama-2", "Llama-3"), True),
        (("m-seed42", "m-seed1234"), False),
        (("Qwen-7B", "Qwen-14B"), True),
        (("out/checkpoint-500", "out/checkpoint-1000"), True),
        (("model-v1", "model-v2"), True),
    ],
)
def test_names_that_do_not_differ_as_seeds_do_are_a_warning(models: tuple[str, ...], warned: bool) -> None:
    found = identify("distilled", [log(model) for model in models])
    assert len(set(found.replicates)) == len(models)
    assert any("model names stand for one arm" in note for note in found.notes) is warned
    assert not warned or all(repr(model) in found.notes[0] for model in models)


def test_the_newest_complete_evaluation_counts_and_all_others_are_named() -> None:
    logs = [
        log("m", n=5, date="3", file="smoke"),
        log("m", n=9, date="1", file="old"),
        log("m", n=9, date="2", file="new"),
        log("m", n=9, date="4", file="failed", partial="status error"),
    ]
    found = identify("distilled", logs)
    assert [one.file for one in found.logs] == ["new"]
    said = "; ".join(found.notes)
    assert all(
        f"left out {name!r} ({why}" in said
        for name, why in (("smoke", "5 of 9"), ("old", "of 1"), ("failed", "status"))
    )


def test_where_no_evaluation_is_complete_the_fullest_counts() -> None:
    logs = [log("m", n=5, date="2", file="a", partial="limited"), log("m", n=7, date="1", file="b", partial="limited")]
    assert [one.file for one in identify("distilled", logs).logs] == ["b"]


def test_a_smoke_run_of_one_seed_is_no_replicate_beside_whole_ones() -> None:
    logs = [log("s-0", n=40), log("s-1", n=5, file="smoke"), log("s-2", n=30)]
    found = identify("distilled", logs)
    assert [one.model for one in found.logs] == ["s-0", "s-2"]
    assert found.notes == ("distilled, b: left out 'smoke' (5 of 40 items): other trainings have whole evaluations",)
    alone = identify("distilled", [log("s-0", n=5, partial="limited to 5 of 40 items")])
    assert (len(alone.logs), alone.notes) == (1, ())


def test_a_model_that_two_arms_name_is_asked_about() -> None:
    arms = [arm_of_logs(name, name, [log("local-model", file=name)]) for name in ("distilled", "control")]
    (said,) = refuse_shared_logs(arms)
    assert said == "the logs of distilled and control name the same model, 'local-model': is each the right one?"


def test_a_pattern_tells_replicates_apart_that_share_a_name() -> None:
    logs = [log("m", file=f"out/seed{seed}/f") for seed in (7, 3)]
    assert len(identify("distilled", logs).logs) == 1
    found = identify("distilled", logs, pattern=r"seed(\d+)")
    assert (found.replicates, found.notes) == ((7, 3), ())
    with pytest.raises(InputError, match="a match of --replicate 'run"):
        identify("distilled", logs, pattern=r"run(\d+)")
    with pytest.raises(InputError, match="a regular expression for --replicate"):
        identify("distilled", logs, pattern="seed(")


def test_without_model_names_folders_tell_and_that_is_said() -> None:
    logs = [log(None, task, run=f"out/{seed}/{task}") for seed in range(2) for task in ("a", "b")]
    found = identify("distilled", logs)
    assert len(set(found.replicates)) == 2
    assert "no log names its model, so its 2 folders are counted as 2 trained models" in found.notes[0]
    one = identify("distilled", [log(None, task, run=f"out/{task}") for task in ("a", "b")])
    assert (set(one.replicates), one.notes) == ({0}, ())


def test_a_log_without_a_model_takes_the_one_of_its_folder() -> None:
    found = identify("distilled", [log("m", "a", run="r"), log(None, "b", run="r")])
    assert [one.model for one in found.logs] == ["m", "m"]
    assert set(found.replicates) == {0}


def test_a_log_that_lost_its_results_is_a_training_of_the_same_benchmark(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path / f"seed{seed}", f"student-seed{seed}", "g", 10 + seed)
    for lost in ((1, 2), (0,)):
        for seed in lost:
            next((tmp_path / f"seed{seed}").glob("results*")).unlink()
        arm = gather_arm("distilled", "distilled", [str(tmp_path)])
        assert (arm.benchmarks, arm.n_replicates) == (["g"], 3)
        said = " ".join(arm.notes)
        assert ("logs that name no model, in 2 folders" if len(lost) == 2 else "no log names its model") in said


def test_a_nameless_folder_with_another_benchmark_is_of_the_model_beside_it() -> None:
    arm = arm_of_logs("d", "distilled", [log("m", "a", run="x"), log(None, "b", run="y"), log(None, "c", run="z")])
    assert (arm.n_replicates, arm.notes) == (1, ())


def test_an_argument_that_is_not_known_is_no_further_value_but_a_default_is() -> None:
    shots, unknown = log("m", arguments={"few-shot": "0"}), log("m", arguments={})
    assert identify("d", [shots, unknown]).logs[0].benchmark == "b"
    default = dataclasses.replace(unknown, defaults_left_out=True)
    assert {log.benchmark for log in identify("d", [shots, default]).logs} == {"b (few-shot=0)", "b"}


@pytest.mark.parametrize("pattern", ["²|1", "seed(²|1)"])
def test_a_replicate_named_by_a_raised_digit_is_no_number(pattern: str) -> None:
    identified = identify("d", [log("seed²"), log("seed1")], pattern)
    assert sorted(identified.replicates) == [0, 1]


def test_arguments_that_one_model_has_several_of_make_several_benchmarks_in_every_arm() -> None:
    def taught(subject: str, **more: str) -> Log:
        return log("m", "mmlu", arguments={"subject": subject, **more}, file=subject)

    arms = [
        arm_of_logs("distilled", "distilled", [taught("law", cot="yes"), taught("math", cot="yes")]),
        arm_of_logs("control", "control", [taught("law", cot="no")]),
    ]
    left, right = agree_on_benchmarks(arms)
    assert left.benchmarks == ["mmlu (subject=law)", "mmlu (subject=math)"]
    assert right.benchmarks == ["mmlu (subject=law)"]
    alone = arm_of_logs("control", "control", [taught("law")])
    assert alone.benchmarks == ["mmlu"]


def test_other_numbers_of_examples_are_other_benchmarks(tmp_path: Path) -> None:
    for day, shots in enumerate((0, 5), start=1):
        write(tmp_path / str(shots), "student", "gsm8k", day, shots=shots)
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert arm.benchmarks == ["gsm8k (few-shot=0)", "gsm8k (few-shot=5)"]


def test_a_retry_of_a_failed_run_is_one_evaluation(tmp_path: Path) -> None:
    some = [sample(i, {"match": "C"}) for i in range(8)]
    write_inspect(tmp_path / "a.eval", some[:3], status="error", created="2025-01-01T00:00:00+00:00")
    write_inspect(tmp_path / "b.eval", some, created="2025-01-01T01:00:00+00:00")
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert [Path(one.file).name for one in arm.logs] == ["b.eval"]
    assert "left out 'a.eval' (status error)" in arm.notes[0]


def two_arms(tmp_path: Path, model: str = "m") -> list[Path]:
    write(tmp_path / "a", model, "gsm8k", 1)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    return [tmp_path / "a", tmp_path / "b"]


def test_one_log_in_two_arms_is_refused_as_itself_as_a_copy_and_in_a_folder(tmp_path: Path) -> None:
    first, second = two_arms(tmp_path)
    for left, right, says in (
        (first, first, "the same log for both"),
        (first, second, "a copy of"),
        (tmp_path, first, "same log"),
    ):
        arms = [gather_arm(name, name, [str(path)]) for name, path in (("distilled", left), ("control", right))]
        if says == "same log":
            arms[0] = dataclasses.replace(arms[0], logs=arms[1].logs, replicates=(0,))
        with pytest.raises(InputError, match=says):
            refuse_shared_logs(arms)


def test_equal_logs_of_differently_named_models_are_named_and_equal_scores_are_no_copy(tmp_path: Path) -> None:
    left, right = (arm_of_logs(n, n, [log(n, file=str(tmp_path / n), n=40)]) for n in ("distilled", "control"))
    for name in ("distilled", "control"):
        (tmp_path / name).write_text("same")
    assert refuse_shared_logs([left, right]) == []
    varied = [
        dataclasses.replace(
            arm,
            logs=tuple(
                dataclasses.replace(o, rows=o.rows.with_columns(score=pl.col("row") % 2 * 1.0)) for o in arm.logs
            ),
        )
        for arm in (left, right)
    ]
    (said,) = refuse_shared_logs(varied)
    assert "'distilled' (distilled) and 'control' (control) are the same file, byte for byte" in said
