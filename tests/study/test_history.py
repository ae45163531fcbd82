"""The history of a run: what was fixed, what changed with results in sight, and how often it was judged."""

import json

import pytest

from gauger.errors import InputError
from gauger.records import ArmInfo
from gauger.spec import frozen_rule
from gauger.store import write_json
from gauger.store.directory import RunDirectory
from gauger.study.document import make_design
from gauger.study.history import begin, finish, look, read_log, registration
from gauger.study.load import open_study, plan_loaded


@pytest.fixture
def start(tiny_study, tmp_path):
    """Start the tiny study in a directory with so many results, and end it where that is wanted; nothing runs."""
    run = RunDirectory(tmp_path / "run")

    def call(*overrides, results=0, ended=True, registered=None, seen=False):
        loaded = open_study(tiny_study, overrides)
        for number in range(results):
            (run.jobs / "entries" / f"k{number}").mkdir(parents=True, exist_ok=True)
            (run.jobs / "entries" / f"k{number}" / "done.json").touch()
        found = begin(run, loaded, plan_loaded(loaded)[0], registered)
        if seen:
            look(run, "minor")
        if ended:
            finish(run, "minor", "", "digest")
        return found

    call.run = run
    return call


def test_an_honest_run_that_is_stopped_and_resumed_changed_nothing(start):
    assert start(ended=False).changes == ()
    assert start(results=10, ended=False).changes == ()
    found = start(results=36)
    assert (found.changes, found.stopping, found.looks, found.notes) == ((), "", 1, ())


CHANGES = {
    "verdict.threshold=0.1": "verdict.threshold was 0.25 and is now 0.1",
    "seed=7": "seed was 1 and is now 7",
    "world.seed=7": "world.seed was 1 and is now 7",
    "student.training.steps=90": "student.training.steps was 100 and is now 90",
    "arms.label.stages.0.samples=41": "arms.label.stages.0.samples was 40 and is now 41",
    "world.benchmark_items=19": "world.benchmark_items was 20 and is now 19",
    "controls.placebo.off=Not wanted": "controls.placebo.on was True and is now False",
    "estimation.moderated=false": "estimation.moderated was True and is now False",
    "verdict.looks=3": "verdict.looks was 1 and is now 3",
    "benchmarks.sort-cloze.role=near": "roles.sort-cloze was far and is now near",
}


@pytest.mark.parametrize("override", CHANGES)
def test_whatever_can_move_the_verdict_is_named_with_before_and_after(start, override):
    start(ended=False)
    found = start(override, results=36)
    assert f"{CHANGES[override]}, after 36 results" in found.changes
    assert start(override, results=40).changes == found.changes, "the same bytes when it is run again"
    assert start(results=40).changes == (), "back at what was fixed"


@pytest.mark.parametrize("override", ["question=Other?", "arms.label.description=Other", "study=other"])
def test_prose_and_names_are_free(start, override):
    start()
    assert start(override, results=36).changes == ()


def test_before_the_first_result_everything_may_change(start):
    start(ended=False)
    assert start("verdict.threshold=0.5", ended=False).changes == ()
    assert json.loads(start.run.frozen.read_bytes())["verdict"]["threshold"] == 0.5
    found = start(results=3)
    assert found.changes == ("verdict.threshold was 0.5 and is now 0.25, after 3 results",)


def test_removing_the_results_of_a_run_that_ended_frees_nothing(start):
    start()
    found = start("verdict.threshold=0.5")
    assert found.changes == ("verdict.threshold was 0.25 and is now 0.5, after 0 results",)


@pytest.mark.parametrize("instead", [None, "{}", "{", "another rule"])
def test_a_frozen_rule_that_is_gone_or_edited_is_noticed_and_written_again(start, instead, tiny_study):
    start()
    start.run.frozen.unlink()
    if instead == "another rule":
        write_json(start.run.frozen, frozen_rule(open_study(tiny_study, ("verdict.threshold=0.1",)).study))
    elif instead is not None:
        start.run.frozen.write_text(instead)
    found = start("verdict.threshold=0.1", results=36)
    assert found.changes == ("verdict.threshold was 0.25 and is now 0.1, after 36 results",)
    assert "it is written again from the log" in found.notes[0]
    assert json.loads(start.run.frozen.read_bytes())["verdict"]["threshold"] == 0.25


def test_results_without_a_log_are_a_change(start):
    start()
    start.run.starts.unlink()
    found = start(results=36)
    assert found.changes == ("36 results were there before the first logged start",)
    start.run.starts.unlink()
    found = start("verdict.threshold=0.1", results=36)
    assert "verdict.threshold was 0.25 and is now 0.1" in found.changes


def test_an_edited_log_is_refused(start):
    start()
    start.run.starts.write_bytes(start.run.starts.read_bytes().replace(b'"threshold":0.25', b'"threshold":0.15'))
    with pytest.raises(InputError, match=r"starts\.jsonl:2 does not follow"):
        start(results=36)


def test_an_entry_of_another_kind_is_refused(start):
    from gauger.store import append_entry

    start()
    append_entry(start.run.starts, {"schema": "gauger.starts/1", "kind": "end"})
    with pytest.raises(InputError, match=r"starts\.jsonl:3 is no entry"):
        read_log(start.run)


# --- looks ------------------------------------------------------------------------------------------------------------


def test_undeclared_replicates_are_optional_stopping(start):
    start()
    found = start("replicates=3", results=36)
    assert found.changes == ("replicates was 2 and is now 3, after 36 results",)
    assert found.stopping.startswith("Optional stopping: replicates was 2 and is now 3")
    assert start("replicates=1", results=36).stopping, "leaving out is a choice too"
    back = start(results=36)
    assert (back.stopping, back.changes) == ("", ())


def test_more_replicates_after_a_run_that_never_ended_are_optional_stopping(start):
    start(ended=False)
    assert start("replicates=3", results=20).stopping


def test_declared_looks_are_free_and_one_more_is_not(start):
    declared = "verdict.looks=2"
    start(declared)
    found = start(declared, "replicates=3", results=36)
    assert (found.stopping, found.changes, found.looks) == ("", (), 2)
    again = start(declared, "replicates=3", results=40)
    assert (again.stopping, again.looks) == ("", 2), "the same look once more"
    third = start(declared, "replicates=4", results=50)
    assert "2 looks were declared, and this is look 3" in third.stopping
    assert third.changes == ("replicates was 2 and is now 4, after 50 results",)


def test_a_run_that_was_killed_once_its_estimates_could_be_read_was_looked_at(start):
    """Four numbers of replicates are four looks, however many of the runs were sealed."""
    declared = "verdict.looks=2"
    start(declared, seen=True)
    for looks, count in ((2, 3), (3, 4)):
        found = start(declared, f"replicates={count}", results=10 * count, seen=True, ended=False)
        assert (found.looks, bool(found.stopping)) == (looks, looks > 2)
    found = start(declared, "replicates=6", results=60)
    assert "2 looks were declared, and this is look 4" in found.stopping
    assert "replicates was 2 and is now 6, after 60 results" in found.changes


def test_a_run_that_was_killed_before_any_estimate_could_be_read_was_not_looked_at(start):
    declared = "verdict.looks=2"
    start(declared, seen=True)
    start(declared, "replicates=3", results=36, ended=False)
    found = start(declared, "replicates=4", results=40)
    assert (found.looks, found.stopping, found.changes) == (2, "", ())


@pytest.mark.parametrize("seen", [False, True])
def test_who_goes_on_with_the_same_replicates_after_a_kill_loses_nothing(start, seen):
    start(ended=False)
    start(results=20, seen=seen, ended=False)
    found = start(results=36, seen=True)
    assert (found.looks, found.stopping, found.changes) == (1, "", ())


def test_removing_the_results_of_a_run_whose_estimates_could_be_read_frees_nothing(start):
    start(seen=True, ended=False)
    found = start("verdict.threshold=0.5")
    assert found.changes == ("verdict.threshold was 0.25 and is now 0.5, after 0 results",)


@pytest.mark.parametrize(("looks", "level"), [(1, 0.95), (2, 0.975), (5, 0.99)])
def test_each_declared_look_is_judged_at_its_share_of_the_error(looks, level, tiny_study):
    study = open_study(tiny_study, (f"verdict.looks={looks}",)).study
    rule = make_design(study, [ArmInfo("logits", "distilled", "")], {}).rule
    assert (rule.looks, rule.level) == (looks, pytest.approx(level, abs=1e-12))


def test_looks_declared_afterwards_help_nothing(start):
    start()
    found = start("verdict.looks=5", "replicates=3", results=36)
    assert found.stopping
    assert "verdict.looks was 1 and is now 5, after 36 results" in found.changes


# --- registration -----------------------------------------------------------------------------------------------------


def digest(path, *overrides):
    loaded = open_study(path, overrides)
    return registration(loaded, plan_loaded(loaded)[0])


def test_a_registration_covers_what_can_move_the_verdict_and_no_prose(tiny_study):
    here = digest(tiny_study)
    assert len(here) == 64
    assert digest(tiny_study, "question=Other?") == here
    assert len({here, *(digest(tiny_study, override) for override in CHANGES), digest(tiny_study, "replicates=3")}) == (
        len(CHANGES) + 2
    )


def test_a_run_is_held_to_its_registration(start, tiny_study):
    here = digest(tiny_study)
    assert start(registered=here.upper() + "\n").registered == here
    with pytest.raises(InputError, match="the study registered as"):
        start("seed=4", registered=here, results=36)
    assert len(read_log(start.run)) == 2, "a refused start is none"
    assert start(results=36).registered is None
