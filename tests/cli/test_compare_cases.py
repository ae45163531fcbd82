"""Folders in which logs are really found: each gives the right estimate, or the message that helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli import log_cases as cases
from cli.compare_runs import UPLIFT, Case, compare, run, uplift
from cli.log_cases import ARMS, CONTROL, STUDENT, N
from gauger.cli.compare import register
from gauger.errors import UserError


@pytest.mark.parametrize(
    ("case", "benchmark", "says"),
    [
        (cases.smoke_run, "t", "left out 'samples_t_2026-01-01T00-00-00.000000.jsonl' (5 of 60 items)"),
        (cases.newer_smoke_run, "t", "left out 'samples_t_2026-01-02T00-00-00.000000.jsonl' (5 of 60 items)"),
        (cases.one_bad_benchmark, "t", "wikitext is not compared: "),
        (cases.json_array, "gsm8k", ""),
        (cases.json_array_in_json, "gsm8k", ""),
        (cases.packed, "t", ""),
        (cases.checkpoint_folder, "t", "passed over, no evaluation logs: 2 files (config.json, train_log.jsonl)"),
        (cases.white_space_setting, "t", "prompt template differ: distilled ' '; control ''"),
    ],
)
def test_one_trained_model_a_side_and_one_uplift(tmp_path: Path, case: Case, benchmark: str, says: str) -> None:
    value = compare(tmp_path, case)
    one = uplift(value, benchmark)
    assert (one["value"], one["n_items"]) == (pytest.approx(UPLIFT, abs=1e-9), N)
    assert set(value["study"]["replicates"].values()) == {1}
    assert says in " ".join(value["warnings"])


def test_a_function_s_address_is_no_setting(tmp_path: Path) -> None:
    assert not any("differ" in one for one in compare(tmp_path, cases.memory_address)["warnings"])


def test_shuffled_options_are_matched_by_the_prompt_or_refused_with_the_key_that_would_do(tmp_path: Path) -> None:
    value = compare(tmp_path / "same", cases.shuffled_choices)
    assert uplift(value, "gpqa")["n_items"] == 5 * N
    assert any("items are matched by what was asked, of which 100% are on every side" in w for w in value["warnings"])

    def changed(root: Path) -> None:
        cases.shuffled_choices(root, prompts=True)

    with pytest.raises(UserError, match=r"at least 50% of the items of gpqa .*100% agree in id alone: --match id"):
        compare(tmp_path / "changed", changed)
    forced = run(f"distilled={tmp_path}/changed/student", f"control={tmp_path}/changed/control", "--match", "id")
    assert uplift(forced, "gpqa")["n_items"] == 5 * N
    assert "gpqa: matched by id alone, as asked" in forced["warnings"]


def test_a_pointer_of_git_lfs_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a Git LFS pointer, not the file\. Fetch it: git lfs pull"):
        compare(tmp_path, cases.git_lfs_pointer)


def test_two_model_names_under_one_arm_are_a_warning(tmp_path: Path) -> None:
    value = compare(tmp_path, cases.two_models)
    (said,) = (w for w in value["warnings"] if "model names stand for one arm" in w)
    assert "'org/student', 'org/untrained'" in said


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("benchmark,item,score", "g,{i},{truth}"),
        ("task,question_id,correct", "g,{i},{score}"),
        ("benchmark;item;score", "g;{i};{score}"),
        ("Benchmark,Item,Score", "g,{i},{score}"),
        ("benchmark\titem\tscore", "g\t{i}\t{score}"),
    ],
)
def test_tables_as_others_write_them(tmp_path: Path, head: str, row: str) -> None:
    value = compare(tmp_path, lambda root: cases.table(root, head, row))
    assert uplift(value, "g")["value"] == pytest.approx(UPLIFT, abs=1e-9)


def test_columns_of_any_name_are_told(tmp_path: Path) -> None:
    cases.table(tmp_path, "what,who,how", "g,{i},{score}")
    arms = [f"distilled={tmp_path}/student", f"control={tmp_path}/control"]
    with pytest.raises(UserError, match="--column benchmark=NAME"):
        run(*arms)
    told = ("--column", "benchmark=what", "--column", "item=who", "--column", "score=how")
    assert uplift(run(*arms, *told), "g")["value"] == pytest.approx(UPLIFT, abs=1e-9)
    with pytest.raises(UserError, match=r"a column 'hw' \(--column score=hw\), got none. Did you mean 'how'"):
        run(*arms, "--column", "score=hw")


def test_json_lines_with_columns_of_any_name(tmp_path: Path) -> None:
    for arm, scores in ARMS:
        rows = [{"suite": "g", "who": f"q{i}", "points": score, "text": "..."} for i, score in enumerate(scores)]
        (tmp_path / arm).write_text("\n".join(map(json.dumps, rows)))
    arms = [f"distilled={tmp_path}/student", f"control={tmp_path}/control"]
    with pytest.raises(UserError, match="an evaluation log, got JSON with 'suite', 'who', 'points', 'text'"):
        run(*arms)
    told = ("--column", "benchmark=suite", "--column", "item=who", "--column", "score=points")
    assert uplift(run(*arms, *told), "g")["value"] == pytest.approx(UPLIFT, abs=1e-9)


def test_equal_scores_throughout_are_no_copy_and_no_proof_of_no_difference(tmp_path: Path) -> None:
    one = uplift(compare(tmp_path, cases.all_right), "aime")
    assert one["value"] == 0.0
    assert (one["low"], one["high"]) == (pytest.approx(-0.1157, abs=1e-4), pytest.approx(0.1157, abs=1e-4))
    assert "So few can hide" in one["note"]


def test_a_run_that_scored_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="predict_only: the harness scored nothing") as caught:
        compare(tmp_path, cases.predict_only)
    assert "Rescale" not in str(caught.value)


def test_groups_of_unequal_benchmarks_show_both_means_by_name(tmp_path: Path) -> None:
    value = compare(tmp_path, cases.group_weights)
    assert uplift(value, None, "all")["value"] == pytest.approx(0.0, abs=1e-9)
    assert uplift(value, None, "all, weighted by items")["value"] == pytest.approx(0.35, abs=1e-9)


def test_one_model_on_three_benchmarks_in_any_layout(tmp_path: Path) -> None:
    apart = compare(tmp_path / "apart", cases.folder_per_task)
    together = compare(tmp_path / "together", lambda root: cases.folder_per_task(root, one_folder=True))
    assert apart["study"]["replicates"] == {"distilled": 1, "control": 1}
    assert apart["estimates"] == together["estimates"]
    assert "nothing was trained more than once" in apart["warnings"][0]
    assert apart["arms"][0]["description"] == "1 trained model on 3 benchmarks from lm-eval logs: org/student"


def test_three_seeds_in_any_layout(tmp_path: Path) -> None:
    apart = compare(tmp_path / "a", lambda root: cases.seeds(root, folder_per_task=True))
    together = compare(tmp_path / "b", lambda root: cases.seeds(root, folder_per_task=False))
    assert apart["study"]["replicates"] == {"distilled": 3, "control": 3}
    assert apart["estimates"] == together["estimates"]
    assert apart["study"]["fingerprint"] == together["study"]["fingerprint"]


BENCHMARKS = {
    "per_instance_stats.json": "helm",
    "opencompass.json": "opencompass",
    "openai_evals.jsonl": "match.dev",
    "mmlu_pro.json": "mmlu_pro/law",
    "annotations.json": "alpaca_eval against ref",
    "wandb.table.json": "wandb",
    "hellaswag_write_out_info.json": "hellaswag",
    "generic.jsonl": "own",
    "generic.tsv": "tabs",
    "details_lighteval_gsm8k.parquet": "lighteval_gsm8k",
    "details_harness_arc.parquet": "harness_arc",
}


def test_every_smaller_format_is_read_to_the_last_item(tmp_path: Path) -> None:
    value = compare(tmp_path, cases.foreign)
    expected = (sum(STUDENT[:20]) - sum(CONTROL[:20])) / 20
    found = {e["benchmark"]: (e["value"], e["n_items"]) for e in value["estimates"] if e["estimand"] == "uplift"}
    for benchmark in BENCHMARKS.values():
        assert found[benchmark] == (pytest.approx(expected, abs=1e-9), 20), benchmark
    assert value["study"]["replicates"] == {"distilled": 1, "control": 1}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_file_of_each_format_alone_whatever_its_ending(tmp_path: Path, name: str) -> None:
    cases.foreign(tmp_path)
    paths = [(tmp_path / arm / name).rename(tmp_path / arm / "unnamed") for arm in ("student", "control")]
    value = run(f"distilled={paths[0]}", f"control={paths[1]}")
    assert [e["n_items"] for e in value["estimates"] if e["estimand"] == "uplift"] == [20]


def test_several_students_by_name(tmp_path: Path) -> None:
    cases.smoke_run(tmp_path)
    cases.write(tmp_path / "other", "t", cases.full(STUDENT[::-1]), model="other")
    value = run(f"distilled:one={tmp_path}/student", f"distilled:two={tmp_path}/other", f"control={tmp_path}/control")
    assert [arm["name"] for arm in value["arms"]] == ["one", "two", "control"]
    assert [e["control"] for e in value["estimates"] if e["estimand"] == "difference"] == ["two"]
    with pytest.raises(UserError, match="a name for a student"):
        run(f"distilled:one={tmp_path}/student", f"control:x={tmp_path}/control")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--role", "t=near", "--role", "t=far"), "one value of ROLE for 't', got 'near' and 'far'"),
        (
            ("--out", "{root}/student/results_2026-01-02T00-00-00.000000.json/x"),
            "a folder for --out, got an existing file",
        ),
        (("--match", "hash"), "a key to match items by"),
        (("--column", "points=score"), "a column of the records table, got 'points'"),
    ],
)
def test_mistakes_are_said_before_anything_is_estimated(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    cases.smoke_run(tmp_path)
    cases.table(tmp_path / "tables", "benchmark,item,score", "t,{i},{score}")
    where = tmp_path / "tables" if "--column" in arguments else tmp_path
    given = [one.format(root=tmp_path) for one in arguments]
    with pytest.raises(UserError, match=says):
        run(f"distilled={where}/student", f"control={where}/control", *given)


def test_many_benchmarks_of_one_measure_are_told_in_one_line(tmp_path: Path) -> None:
    for arm, scores in ARMS:
        for k in range(7):
            lines = [cases.line(i + 1000 * k, score) for i, score in enumerate(scores)]
            cases.write(tmp_path / arm, f"part_{k}", lines, results=False)
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    done = CliRunner().invoke(app, ["compare", f"distilled={tmp_path}/student", f"control={tmp_path}/control"])
    assert "compared: 7 benchmarks (part_0, part_1, part_2, ...) by exact_match, strict-match\n" in done.stdout
