"""Arms from files: which logs are one trained model, and what may not count as a replicate."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from gauger.errors import InputError
from gauger.measure.importers.arm import arms_of_table, gather_arm
from gauger.measure.importers.detect import find_logs
from gauger.measure.importers.formats import read_file
from gauger.measure.importers.log import Wants
from measure.importers.inspect_logs import sample, write_inspect
from measure.importers.lm_eval_logs import write_generation_log


def scores(seed: int, n: int = 40) -> list[float]:
    return np.random.default_rng(seed).integers(0, 2, n).astype(float).tolist()


def write_seed(folder: Path, seed: int, **changes: object) -> Path:
    return write_generation_log(folder, scores(seed), scores(seed + 500), **changes)


def test_each_folder_is_a_replicate_with_all_its_benchmarks(tmp_path: Path) -> None:
    for seed in range(3):
        for k, task in enumerate(("gsm8k", "arc")):
            date = f"2025-01-0{k + 1}T00-00-00.0"
            write_seed(tmp_path / f"seed{seed}" / "m", 10 * seed + k, task=task, date=date, model=f"s{seed}")
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert arm.n_replicates == 3
    assert {log.benchmark: replicate for replicate, log in arm.on("gsm8k") + arm.on("arc") if replicate == 2} == {
        "gsm8k": 2,
        "arc": 2,
    }
    assert not arm.numbered
    assert arm.notes == ()


def test_a_model_evaluated_again_is_one_replicate_and_the_older_log_is_named(tmp_path: Path) -> None:
    late = write_seed(tmp_path / "m", 1, date="2025-02-01T00-00-00.0")
    early = write_seed(tmp_path / "m", 2, date="2025-01-01T00-00-00.0")
    arm = gather_arm("distilled", "distilled", [str(late), str(early)])
    assert [Path(log.file) for log in arm.logs] == [late]
    assert arm.n_replicates == 1
    (note,) = arm.notes
    assert f"left out '{early.name}' (of 2025-01-01T00-00-00.0, the newer one is of 2025-02-01T00-00-00.0)" in note
    assert "--replicate PATTERN" in note


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    path = write_seed(tmp_path / "m", 1)
    with pytest.raises(InputError, match="each log of distilled once"):
        gather_arm("distilled", "distilled", [str(path), str(tmp_path)])


def test_a_copy_of_a_log_of_one_model_is_left_out_and_named(tmp_path: Path) -> None:
    write_seed(tmp_path / "a" / "m", 1, model="s0")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    arm = gather_arm("distilled", "distilled", [str(tmp_path / "a"), str(tmp_path / "b")])
    assert arm.n_replicates == len(arm.logs) == 1
    assert "another evaluation, or a copy" in arm.notes[0]


def test_a_copy_of_a_log_under_another_model_name_is_no_second_training(tmp_path: Path) -> None:
    write_seed(tmp_path / "a" / "m", 1, model="s0")
    write_seed(tmp_path / "b" / "m", 1, model="s1")
    with pytest.raises(InputError, match=r"another training of distilled, got a copy of .*/a/m/samples_gsm8k"):
        gather_arm("distilled", "distilled", [str(tmp_path / "a"), str(tmp_path / "b")])


def test_one_model_evaluated_twice_is_pointed_out(tmp_path: Path) -> None:
    for name in "01":
        write_seed(tmp_path / name / "m", 1, model=f"s{name}", head=name)
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert arm.notes == (
        "distilled, gsm8k: two replicates have the same score on every item; if they are one trained model evaluated "
        "twice, give only one of them",
    )


def test_two_trainings_that_both_fail_everywhere_are_no_copies(tmp_path: Path) -> None:
    for seed in "01":
        write_generation_log(tmp_path / seed / "m", [0.0] * 40, [0.0] * 40, model=f"s{seed}", head=seed)
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert (arm.n_replicates, arm.notes) == (2, ())


def test_inspect_logs_of_one_folder_are_told_apart_by_model_and_task(tmp_path: Path) -> None:
    for seed in range(2):
        for task in ("sums", "products"):
            path = tmp_path / f"{task}{seed}.eval"
            write_inspect(path, [sample(i, {"match": "CI"[i % 2]}) for i in range(4)], model=f"toy/s{seed}", task=task)
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert arm.n_replicates == 2
    assert {(log.model, replicate) for task in ("sums", "products") for replicate, log in arm.on(task)} == {
        ("toy/s0", arm.on("sums")[0][0]),
        ("toy/s1", arm.on("sums")[1][0]),
    }


def table(folder: Path, name: str, rows: list[tuple[str, int, int, float]]) -> Path:
    lines = [f"{arm},{replicate},b,i{item},{score}" for arm, replicate, item, score in rows]
    path = folder / name
    path.write_text("arm,replicate,benchmark,item,score\n" + "\n".join(lines) + "\n")
    return path


def test_a_table_states_its_replicates_and_so_which_are_paired(tmp_path: Path) -> None:
    rows = [(arm, r, i, 1.0) for arm in ("student", "plain", "boss") for r in (3, 5) for i in range(2)]
    distilled, control = arms_of_table(table(tmp_path, "t.csv", rows), [("distilled", "student"), ("control", "plain")])
    assert (distilled.name, distilled.kind, control.kind) == ("student", "distilled", "control")
    assert distilled.replicates == control.replicates == (3, 5)
    assert distilled.numbered


def test_tables_that_all_say_replicate_0_are_counted_instead(tmp_path: Path) -> None:
    paths = [str(table(tmp_path, f"{k}.csv", [("d", 0, i, float(i == k)) for i in range(3)])) for k in range(2)]
    arm = gather_arm("distilled", "distilled", paths)
    assert arm.n_replicates == 2
    assert not arm.numbered


def test_an_arm_that_the_table_lacks_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", [("student", 0, 0, 1.0), ("plain", 0, 0, 1.0)])
    with pytest.raises(InputError, match=r"the distilled arm among the table's, got 'studnt'. Did you mean 'student'"):
        arms_of_table(path, [("distilled", "studnt"), ("control", "plain")])


def test_of_a_table_with_several_arms_the_one_of_the_same_name_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", [("distilled", 0, 0, 1.0), ("control", 0, 0, 0.0)])
    assert read_file(path, "control", Wants())[0].rows["score"].to_list() == [0.0]
    with pytest.raises(InputError, match=r"--distilled ARM --control ARM"):
        read_file(path, "teacher", Wants())


def test_a_pattern_names_files_and_folders(tmp_path: Path) -> None:
    for seed in range(2):
        write_seed(tmp_path / f"run{seed}" / "m", seed)
    assert len(find_logs(str(tmp_path / "run*"))) == 2
    assert len(find_logs(str(tmp_path / "*" / "m" / "samples_*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ((), "an empty folder"),
        (("results_2025.json",), "averages alone"),
        (("notes.txt",), "a JSON object with nothing"),
    ],
)
def test_a_folder_without_logs_is_refused(tmp_path: Path, files: tuple[str, ...], says: str) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=says):
        gather_arm("distilled", "distilled", [str(tmp_path)])


def test_logs_of_several_formats_may_share_a_folder(tmp_path: Path) -> None:
    write_seed(tmp_path / "m", 1, model="toy/student")
    write_inspect(tmp_path / "m" / "sums.eval", [sample(i, {"match": "CI"[i % 2]}) for i in range(4)])
    (tmp_path / "m" / "train_log.jsonl").write_text('{"loss": 1.0, "step": 1}\n')
    arm = gather_arm("distilled", "distilled", [str(tmp_path)])
    assert (arm.benchmarks, arm.n_replicates) == (["gsm8k", "addition"], 1)
    assert arm.notes == ("distilled: passed over, no evaluation logs: 1 file (m/train_log.jsonl)",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"results": {}, "configs": {}}', "averages alone. It holds averages only. Give the samples"),
        ("a note, without scores", "an evaluation log, got text. Read are lm-eval samples"),
        ("version https://git-lfs.github.com/spec/v1\noid x\n", "a Git LFS pointer, not the file. .*git lfs pull"),
        ("", "an empty file"),
        ("\x28\xb5\x2f\xfd...", "packed by zstandard. Unpack it first"),
        ('{"messages": [1]}', "JSON object with 'messages'"),
    ],
)
def test_a_file_that_is_no_log_is_refused_with_what_to_give(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "given").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=says):
        gather_arm("distilled", "distilled", [str(tmp_path / "given")])


@pytest.mark.parametrize("argument", ["nowhere", "*.jsonl", ""])
def test_nothing_there_is_said(tmp_path: Path, argument: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        find_logs(argument)
