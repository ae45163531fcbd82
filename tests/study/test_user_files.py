"""The user's own files: what they hold decides addresses and what counts as changed, where they lie does not."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import gauger.elicit.strategies as strategies
from gauger.errors import InputError
from gauger.spec import changes_between
from gauger.study.checkpoints import identity
from gauger.study.history import deciding, registration
from gauger.study.job_parts import without_places
from gauger.study.load import open_study, plan_loaded
from gauger.study.rebuild import with_keys_of

ENDPOINT = "{kind: endpoint, url: 'http://127.0.0.1:9/v1', model: m, templates: prompts}"
REPLAY = "{kind: replay, directory: recorded}"
CHECKPOINT = "{kind: checkpoint, model: model, templates: prompts}"
STUDY = """
study: mine
question: Does it matter where it lies?
replicates: 2
world:
  kind: language
  chat: true
  tasks:
    sums: {kind: jsonl, train: train.jsonl, test: test.jsonl, new: new.jsonl}
  common: [sums]
  benchmark_items: 4
teacher: TEACHER
student: {kind: checkpoint, model: model}
benchmarks:
  sums-qa: {role: targeted}
  sums-qa-new: {role: parallel}
  sums-tagged-new: {role: near}
arms:
  label:
    stages:
      - {kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 4, steps: 4, batch: 4}
controls: {leak: {off: none}, placebo: {off: none}, format: {off: none}}
verdict: {arm: label}
"""


@pytest.fixture
def study(tmp_path):
    """Write a study with all its files into a folder; returns its path."""

    def call(teacher, name="here"):
        folder = tmp_path / name
        for split, first in (("train", 1), ("test", 50), ("new", 90)):
            rows = [{"id": f"{split}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
            folder.mkdir(exist_ok=True)
            (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text("{}")
        shutil.copytree(Path(strategies.__file__).parent / "templates", folder / "prompts")
        (folder / "recorded").mkdir()
        (folder / "recorded" / "replies.jsonl").write_text('{"one": 1}\n{"two": 2}\n')
        (folder / "study.yaml").write_text(STUDY.replace("TEACHER", teacher))
        return folder / "study.yaml"

    return call


def planned(path):
    loaded = open_study(path)
    return loaded, plan_loaded(loaded)[0]


@pytest.mark.parametrize("teacher", [ENDPOINT, REPLAY, CHECKPOINT])
def test_a_study_that_is_moved_computes_nothing_again(study, tmp_path, teacher):
    """But for the job that notes where a checkpoint lies; what reads that is addressed by content."""
    loaded, plan = planned(study(teacher))
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    moved_study, moved = planned(tmp_path / "there" / "study.yaml")
    keys, moved_keys = ({key for key, job in each.jobs.items() if job.kind != "materialise"} for each in (plan, moved))
    assert keys == moved_keys
    assert str(tmp_path / "there") in json.dumps([dict(job.params) for job in moved.jobs.values()])
    for job in (job for job in moved.jobs.values() if job.kind == "materialise"):
        assert job.key not in plan.jobs, "else a run would go on with the checkpoint at the old place"
        assert str(tmp_path / "there") in job.params["reference"]
    assert registration(loaded, plan) == registration(moved_study, moved)
    assert [*with_keys_of(moved, list(plan.jobs.values())).jobs] == [*plan.jobs], "and it can be verified"


def test_only_places_are_left_out_of_addresses():
    """Whatever users call their own tasks, settings and options."""
    asked = {"name": "teacher", "kind": "endpoint", "templates": "/a", "templates_identity": "1"}
    asked["settings"] = {"directory": "d", "model": "m"}
    world = {"settings": {"tasks": {"folder": {"directory": "x"}, "templates": 1}}, "folder": "/a", "files": {"a": "1"}}
    params = {"world": world, "asked": asked, "folder": "/a", "own": {"folder": "f", "directory": "g"}, "judge": None}
    kept = without_places(params)
    assert kept["world"] == {"settings": world["settings"], "files": {"a": "1"}}
    assert kept["asked"] == {"name": "teacher", "kind": "endpoint", "templates_identity": "1"} | {
        "settings": asked["settings"]
    }
    assert (kept["own"], kept["judge"], "folder" in kept) == (params["own"], None, False)
    assert without_places({"asked": {**asked, "kind": "replay"}})["asked"]["settings"] == {"model": "m"}
    assert without_places({"reference": "packaged:x"}) == {"reference": "packaged:x"}
    assert without_places({"reference": "/a/model", "identity": "1"}) == {"identity": "1"}


@pytest.mark.parametrize(
    ("teacher", "file", "named"),
    [
        (ENDPOINT, "prompts/label.yaml", "contents.templates of teacher was "),
        (REPLAY, "recorded/replies.jsonl", "contents.recording was "),
        (ENDPOINT, "model/config.json", "contents.base · load the model was "),
        (ENDPOINT, "new.jsonl", "files.new.jsonl was "),
    ],
)
def test_a_change_in_a_file_is_another_address_and_another_study(study, teacher, file, named):
    path = study(teacher)
    (loaded, before), asks = planned(path), {"ask-teacher", "measure"}
    stood, registered = deciding(loaded, before), registration(loaded, before)
    edited = path.parent / file
    edited.write_text(edited.read_text().replace("93", "9 3") + "\n")
    loaded, after = planned(path)
    (change,) = changes_between(stood, deciding(loaded, after))
    assert change.startswith(named)
    assert registration(loaded, after) != registered
    keys = [{key for key, job in plan.jobs.items() if job.kind in asks} for plan in (before, after)]
    assert keys[0] != keys[1]


def test_a_study_with_a_recording_that_is_not_there_is_refused(study):
    path = study(REPLAY)
    (path.parent / "recorded" / "replies.jsonl").unlink()
    with pytest.raises(InputError, match="the journal of a recorded teacher, got no such file"):
        planned(path)


def test_a_recording_that_grew_is_another_teacher(study, tmp_path):
    """Asked again under the old address it would have answered with what it had before."""
    path = study(REPLAY)
    journal = path.parent / "recorded" / "replies.jsonl"
    keys = set(planned(path)[1].jobs)
    journal.write_text(journal.read_text() + '{"three": 3}\n')
    changed = set(planned(path)[1].jobs) - keys
    assert changed
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(journal, tmp_path / "elsewhere" / "replies.jsonl")
    path.write_text(path.read_text().replace("directory: recorded", f"directory: {tmp_path / 'elsewhere'}"))
    assert changed <= set(planned(path)[1].jobs), "the same replies at another place"


# --- identities -------------------------------------------------------------------------------------------------------


def checkpoint(place, middle=0.0, **more):
    """Three MiB and more of weights, of which the middle differs."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text("{}")
    tensors = {name: np.zeros((600, 512), np.float32) for name in ("a", "c")}
    save_file({**tensors, "b": np.full((600, 512), middle, np.float32)}, place / "model.safetensors")
    for name, text in more.items():
        path = place / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return identity(str(place))


def test_a_merged_adapter_is_another_checkpoint(tmp_path):
    """Size, header, first and last MiB of the file stay; the weights between them do not."""
    assert checkpoint(tmp_path / "a") == checkpoint(tmp_path / "b")
    assert checkpoint(tmp_path / "a") != checkpoint(tmp_path / "c", 1.0)


def test_what_stands_in_folders_of_a_checkpoint_is_part_of_it(tmp_path):
    plain = checkpoint(tmp_path / "a")
    templates = [checkpoint(tmp_path / name, additional__tool_jinja=name) for name in ("b", "c")]
    assert len({plain, *templates}) == 3
    assert checkpoint(tmp_path / "d", original__w_pth="1") == plain, "weights of another format that nobody loads"
    assert checkpoint(tmp_path / "e", **{"_cache__time_json": "1"}) == plain, "a downloader's notes"
    (tmp_path / "a" / "model.safetensors").rename(tmp_path / "a" / "other.safetensors")
    assert identity(str(tmp_path / "a")) != plain


def test_templates_are_what_they_say_wherever_they_lie(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "label.yaml").write_text("x")
        os.utime(tmp_path / place / "label.yaml", (1, 1))
    assert identity(str(tmp_path / "a")) == identity(str(tmp_path / "b"))
    (tmp_path / "b" / "label.yaml").write_text("y")
    os.utime(tmp_path / "b" / "label.yaml", (1, 1))
    assert identity(str(tmp_path / "a")) != identity(str(tmp_path / "b"))
