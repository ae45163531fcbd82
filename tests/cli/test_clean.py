"""`gauger clean`, and what a run of other code or settings says before it computes anything again."""

import json

import pytest

from gauger.cli import main
from gauger.execute.cache import Cache
from gauger.execute.job import make_job
from gauger.store.atomic import write_json
from gauger.store.directory import RunDirectory
from gauger.study.leftovers import computed_again
from gauger.study.verify import verify_run


def job(text, version="1", inputs=None, name="job"):
    labels = {"cost": 1.0, "arm": "label", "replicate": 0, "stage": "s", "version": version}
    return make_job("train", name, {"text": text}, inputs or {}, **labels)


@pytest.fixture
def run(tmp_path):
    """A run in which one job was done."""
    found = RunDirectory(tmp_path / "run")
    old = job("a")
    write_json(found.jobs / "jobs.json", {"schema": "gauger.jobs/1", "jobs": [old.to_dict()]})
    cache = Cache(found.jobs)
    cache.commit(old.key, cache.begin(old.key))
    return found


CHANGES = {
    "their code changed": job("a", version="2"),
    "their settings changed": job("b"),
    "what they rest on changed": job("a", inputs={"base": "k"}),
}


@pytest.mark.parametrize("why", CHANGES)
def test_what_is_computed_again_is_said_with_the_reason(run, why):
    assert computed_again(run, [CHANGES[why]], Cache(run.jobs)) == [
        f"computed again, for {why}: 1 result of train",
        "the old results stay: gauger clean removes them",
    ]


def test_nothing_is_said_where_nothing_is_computed_again(run, tmp_path):
    cache = Cache(run.jobs)
    assert computed_again(run, [job("a")], cache) == []
    assert computed_again(run, [job("a", name="another")], cache) == []
    assert computed_again(RunDirectory(tmp_path / "none"), [job("a")], cache) == []
    new = CHANGES["their code changed"]
    cache.commit(new.key, cache.begin(new.key))
    assert computed_again(run, [new], cache) == [], "it is there under the new address too"


def test_two_jobs_of_one_name_are_not_taken_for_each_other_after_a_kill(tmp_path):
    """One of the two was done when the run was killed: the plan is the same, so nothing changed."""
    run = RunDirectory(tmp_path / "run")
    jobs = [job("a"), job("b")]
    write_json(run.jobs / "jobs.json", {"schema": "gauger.jobs/1", "jobs": [each.to_dict() for each in jobs]})
    cache = Cache(run.jobs)
    for done in jobs:
        cache.commit(done.key, cache.begin(done.key))
        assert computed_again(run, jobs, cache) == []
        cache.discard(done.key)
    cache.commit(jobs[1].key, cache.begin(jobs[1].key))
    assert (
        computed_again(run, [jobs[0], job("c")], cache)[0]
        == "computed again, for their settings changed: 1 result of train"
    )


def test_of_a_result_behind_a_link_the_link_is_removed(run, tmp_path, capsys):
    old = Cache(run.jobs).path(job("a").key)
    moved = old.rename(tmp_path / "elsewhere")
    old.symlink_to(moved)
    write_json(run.jobs / "jobs.json", {"schema": "gauger.jobs/1", "jobs": [job("b").to_dict()]})
    assert main(["clean", str(run.root), "--remove"]) == 0
    assert not old.is_symlink()
    assert (moved / "done.json").is_file()


def test_old_results_are_kept_or_removed_by_choice_and_the_run_verifies(copy_of_run, capsys):
    cache = Cache(copy_of_run / "jobs")
    assert main(["clean", str(copy_of_run)]) == 0
    assert capsys.readouterr().out == f"{copy_of_run}: every result belongs to the last plan\n"
    old = job("a")
    out = cache.begin(old.key)
    (out / "weights").write_bytes(b"0" * 1000)
    cache.commit(old.key, out)
    assert main(["clean", str(copy_of_run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["results"], said["damaged"], said["removed"]) == ([old.key], [], False)
    assert said["bytes"] > 1000
    assert cache.path(old.key).is_dir(), "named and kept"
    assert main(["clean", str(copy_of_run), "--remove"]) == 2, "a result that the manifest does not list"
    assert "not listed in manifest.json" in capsys.readouterr().err
    from gauger.store.manifest import write_manifest

    write_manifest(copy_of_run)
    assert main(["clean", str(copy_of_run), "--remove"]) == 0
    assert not cache.path(old.key).exists()
    found = verify_run(copy_of_run)
    assert not any(found.checks[name] for name in ("log of starts", "manifest", "results", "contents"))


def left_by_a_killed_training(jobs, key):
    """Rows, a checkpoint and a log, as a trainer of somebody else's leaves them; 1000 bytes besides a link."""
    place = jobs / "unfinished" / key
    (place / "checkpoints" / "checkpoint-4").mkdir(parents=True)
    (place / "checkpoints" / "checkpoint-4" / "model.safetensors").write_bytes(b"0" * 900)
    (place / "trainer.log").write_bytes(b"0" * 100)
    (place / "newest").symlink_to(place / "checkpoints")
    return place


def test_what_killed_trainings_left_is_kept_while_a_job_goes_on_from_it(run, capsys):
    waiting, done, gone = job("c"), job("a"), job("of an earlier plan")
    write_json(run.jobs / "jobs.json", {"schema": "gauger.jobs/1", "jobs": [done.to_dict(), waiting.to_dict()]})
    left = {name.key: left_by_a_killed_training(run.jobs, name.key) for name in (waiting, done, gone)}
    assert main(["clean", str(run.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["unfinished"] == sorted([done.key, gone.key])
    assert told["results"] == []
    links = sum((place / "newest").lstat().st_size for key, place in left.items() if key != waiting.key)
    assert told["bytes"] == 2 * 1000 + links
    assert all(place.is_dir() for place in left.values()), "named and kept"
    assert main(["clean", str(run.root), "--remove"]) == 0
    assert "removed 2 unfinished trainings" in capsys.readouterr().out
    assert [key for key, place in left.items() if place.exists()] == [waiting.key]
    assert Cache(run.jobs).path(done.key).is_dir(), "its result stays"


def test_where_no_run_has_begun(tmp_path, capsys):
    assert main(["clean", str(tmp_path)]) == 2
    assert "a directory in which a run has begun" in capsys.readouterr().err
