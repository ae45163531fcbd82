"""`gauger verify` and what stands beside it: no edit of a finished run goes unseen."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from gauger.cli import main
from gauger.cli.signature import signature_differences
from gauger.errors import InputError
from gauger.store.chain import append_entry
from gauger.store.directory import RunDirectory
from gauger.store.manifest import contents_digest, described_files, manifest_differences, write_manifest
from gauger.study import verify_run
from gauger.study.history import read_log
from gauger.study.verify import _registered_differences

from .random_edits import edit_at_random

TINY = Path(__file__).parents[1] / "study" / "tiny.yaml"


def test_an_honest_run_verifies(finished_run, capsys):
    assert main(["verify", str(finished_run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["right"] is True
    checks = {one["check"]: one["differences"] for one in said["checks"]}
    names = ["log of starts", "manifest", "results", "contents", "study", "estimates", "report"]
    assert checks == {name: [] for name in names}
    assert [start["results"] for start in said["starts"]] == [0]
    assert said["notes"] == ["not externally anchored: no digest was published before the run, or none was given"]


def test_a_run_that_was_resumed_registered_and_moved_verifies(tiny_study, copy_of_run, tmp_path, capsys):
    assert main(["plan", str(tiny_study), "--register"]) == 0
    digest = capsys.readouterr().out.strip()
    assert main(["plan", str(tiny_study), "--register", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"registered": digest}
    assert "not externally anchored" in (copy_of_run / "report.html").read_text()
    shutil.rmtree(next((copy_of_run / "jobs" / "entries").iterdir()))
    run = ["run", str(tiny_study), "--out", str(copy_of_run), "--workers", "1", "--registered", digest]
    assert main(run) == 0
    page = (copy_of_run / "report.html").read_text()
    assert "not externally anchored" not in page
    assert digest in page
    found = verify_run(copy_of_run.rename(tmp_path / "moved"), digest)
    assert found.checks == {name: [] for name in found.checks}
    assert [entry["kind"] for entry in found.entries] == ["start", "look", "end"] * 2
    capsys.readouterr()
    assert main([*run, "--set", "verdict.threshold=0.1"]) == 2
    assert "expected the study registered as" in capsys.readouterr().err


def test_another_digest_than_the_published_one(finished_run):
    run = RunDirectory(finished_run)
    assert "not 000" in _registered_differences(read_log(run), "0" * 64)[0]


def test_a_change_of_the_rule_verifies_as_what_it_is(tiny_study, copy_of_run):
    """The log says what was changed, so that the document which says it too follows from the log."""
    arguments = ["run", str(tiny_study), "--out", str(copy_of_run), "--workers", "1", "--set", "verdict.threshold=0.1"]
    (copy_of_run / "frozen.json").unlink()
    assert main(arguments) == 0
    assert json.loads((copy_of_run / "estimates.json").read_text())["verdict"]["rule"]["post_hoc"] is True
    assert verify_run(copy_of_run).right


@pytest.mark.parametrize("command", [["report"], ["forecast", "--study"], ["plan", str(TINY), "--pilot"]])
def test_whoever_reads_the_results_of_a_run_refuses_edited_ones(command, copy_of_run, capsys):
    path = copy_of_run / "records.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert main([*command, str(copy_of_run)]) == 2
    told = capsys.readouterr().err
    assert "the results that the run wrote; records.parquet is not what manifest.json lists" in told
    assert "Traceback" not in told


def without_log(run_directory, *others):
    for name in ("starts.jsonl", "manifest.json", *others):
        path = run_directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("others", [(), ("frozen.json",), ("jobs",)])
@pytest.mark.parametrize(
    "command",
    [["report"], ["compare", "OTHER"], ["forecast", "--study"], ["plan", str(TINY), "--pilot"]],
)
def test_a_run_that_lost_its_log_and_manifest_is_read_by_nobody(command, others, finished_run, copy_of_run, capsys):
    without_log(copy_of_run, *others)
    arguments = [str(finished_run) if argument == "OTHER" else argument for argument in command]
    assert main([*arguments, str(copy_of_run)]) == 2
    told = capsys.readouterr().err
    assert "the results that the run wrote; starts.jsonl and manifest.json are missing" in told
    assert "Traceback" not in told


def test_tables_and_estimates_alone_have_nothing_to_be_held_against(copy_of_run):
    """What somebody publishes of a run, without its jobs."""
    import gauger

    without_log(copy_of_run, "frozen.json", "jobs")
    assert gauger.load_run(copy_of_run).records.height > 0


@pytest.mark.parametrize("command", [["forecast", "--study"], ["plan", str(TINY), "--pilot"]])
def test_records_that_are_no_table_are_named_where_nothing_else_tells(command, copy_of_run, capsys):
    """Without the jobs, log and manifest of a run, a directory has nothing to be held against."""
    without_log(copy_of_run, "frozen.json", "jobs")
    (copy_of_run / "records.parquet").write_bytes(b"PAR1 and no more")
    assert main([*command, str(copy_of_run)]) == 2
    told = capsys.readouterr().err
    assert "records.parquet is not the table that was written there" in told
    assert "Traceback" not in told


def test_random_edits_are_found(finished_run, tmp_path):
    """Twelve here; validation/audited_run makes two hundred."""
    generator, told = random.Random(1), []
    for number in range(12):
        copy = shutil.copytree(finished_run, tmp_path / str(number))
        told.append(edit_at_random(copy, generator))
        assert not verify_run(copy).right, told[-1]
        shutil.rmtree(copy)
    assert len(set(told)) > 6


def digit_changed(run):
    """Change one digit of the verdict's estimate in estimates.json, as somebody who wants another number would."""
    text = run.estimates.read_text()
    assert text.count('"n_items": 40') > 0
    run.estimates.write_text(text.replace('"n_items": 40', '"n_items": 41', 1))


def forged(run):
    """Write manifest and the log's last entry anew, so that only the numbers themselves can tell."""
    lines = run.starts.read_bytes().splitlines(keepends=True)
    last = json.loads(lines[-1])
    run.starts.write_bytes(b"".join(lines[:-1]))
    append_entry(run.starts, {**last, "files": contents_digest(described_files(run.root))})
    write_manifest(run.root)


def test_a_changed_digit_is_reported_by_nobody(copy_of_run, capsys):
    run = RunDirectory(copy_of_run)
    before = run.report.read_bytes()
    digit_changed(run)
    assert main(["report", str(copy_of_run)]) == 2
    assert "estimates.json is not what manifest.json lists" in capsys.readouterr().err
    assert run.report.read_bytes() == before
    assert main(["verify", str(copy_of_run)]) == 2
    said = capsys.readouterr().out
    assert "n_items is 41, and should be 40" in said
    write_manifest(run.root)
    assert main(["report", str(copy_of_run)]) == 2
    assert "manifest.json is not the one that the run ended with" in capsys.readouterr().err


def test_a_digit_with_manifest_and_log_written_anew_is_told_by_the_results_of_the_jobs(copy_of_run):
    run = RunDirectory(copy_of_run)
    digit_changed(run)
    forged(run)
    found = verify_run(copy_of_run)
    named = {name: differences for name, differences in found.checks.items() if differences}
    assert list(named) == ["estimates"]
    assert "n_items is 41, and should be 40" in named["estimates"][0]


@pytest.mark.parametrize("other", [False, True])
def test_estimates_of_another_version_are_said_to_be_so(other, finished_run, monkeypatch, capsys):
    """Files as they were written, estimates built anew otherwise: the run is not accused, the versions are named."""
    from gauger.study import verify

    monkeypatch.setattr(verify, "_estimate_differences", lambda run, verified: ["estimates.json: x is 1"])
    if other:
        versions = verify.program_versions
        monkeypatch.setattr(verify, "program_versions", lambda study: versions(study) | {"gauger": "99.0"})
    assert main(["verify", str(finished_run)]) == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "not what this version of Gauger makes of the run's results" in out
    assert "was written when it ended" not in out
    assert ("(here 99.0): verify them with these versions" in out) == other
    assert ("the same versions wrote these estimates" in out) == (not other)


def test_an_edited_run_is_not_taken_for_one_of_another_version(copy_of_run, capsys):
    digit_changed(RunDirectory(copy_of_run))
    assert main(["verify", str(copy_of_run)]) == 2
    assert "this run is not what was written when it ended" in capsys.readouterr().out


def test_records_that_no_job_gave_are_told(copy_of_run):
    import polars as pl

    run = RunDirectory(copy_of_run)
    records = pl.read_parquet(run.records)
    better = pl.when((pl.col("arm") == "label") & (pl.col("outcome") == "scored")).then(1.0).otherwise("score")
    records.with_columns(score=better).write_parquet(run.records)
    forged(run)
    assert verify_run(copy_of_run).checks["estimates"] == ["records.parquet does not hold the results of the jobs"]


def test_a_ledger_of_the_older_layout_is_verified_as_one(copy_of_run):
    """A corpus' rows once for every arm that used it, and no table of uses: what earlier versions wrote."""
    import polars as pl

    run = RunDirectory(copy_of_run)
    ledger, uses = pl.read_parquet(run.ledger), pl.read_parquet(run.corpora)
    by_use = uses.join(ledger, on="corpus", maintain_order="left_right").drop("corpus")
    assert by_use.height > ledger.height
    run.corpora.unlink()
    for table, wanted in ((by_use, []), (by_use[1:], ["ledger.parquet"]), (ledger, ["ledger.parquet"])):
        table.write_parquet(run.ledger)
        forged(run)
        verified = verify_run(copy_of_run)
        assert [difference.split()[0] for difference in verified.checks["estimates"]] == wanted
        assert any("older layout" in note for note in verified.notes)


@pytest.mark.parametrize("name", ["ledger", "corpora"])
def test_a_ledger_or_a_table_of_uses_that_no_job_gave_is_told(copy_of_run, name):
    import polars as pl

    path = getattr(RunDirectory(copy_of_run), name)
    pl.read_parquet(path)[1:].write_parquet(path)
    forged(RunDirectory(copy_of_run))
    assert verify_run(copy_of_run).checks["estimates"] == [f"{name}.parquet does not hold the results of the jobs"]


def test_a_report_that_says_something_else_is_told(copy_of_run, capsys):
    run = RunDirectory(copy_of_run)
    page = run.report.read_text()
    other = page.replace("</h1>", ", the true one</h1>", 1)
    assert other != page
    run.report.write_text(other)
    forged(run)
    assert main(["verify", str(copy_of_run), "--json"]) == 2
    checks = {one["check"]: one["differences"] for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["report"] == ["report.html is not what the estimates give"]
    assert main(["report", str(copy_of_run)]) == 0, "drawn again from estimates that are right"
    assert manifest_differences(copy_of_run) == []


def test_a_page_or_a_figure_that_the_report_does_not_draw_is_never_certified(copy_of_run):
    """Not by drawing the report again, in which the page for paper has its share."""
    import gauger
    from gauger.report import drawn_differences

    (copy_of_run / "report-print.html").write_text("<h1>Verdict: MAJOR</h1>")
    (copy_of_run / "figures" / "forged.svg").write_text("forged")
    (copy_of_run / "figures" / ".uplift.svg.x1.tmp").write_text("left by a kill")
    opened = gauger.load_run(copy_of_run)
    named = [difference.partition(":")[0] for difference in drawn_differences(opened.to_dict(), copy_of_run)]
    stranger = "figures/forged.svg is no figure of this report"
    assert named == ["report-print.html is not what the estimates give", stranger]
    opened.print_report(copy_of_run.parent / "elsewhere.html")
    assert "report-print.html is not listed in manifest.json" in manifest_differences(copy_of_run)
    opened.report()
    assert (copy_of_run / "report-print.html").read_bytes() == (copy_of_run.parent / "elsewhere.html").read_bytes()
    unlisted = ["figures/.uplift.svg.x1.tmp", "figures/forged.svg"]
    assert manifest_differences(copy_of_run) == [f"{name} is not listed in manifest.json" for name in unlisted]
    write_manifest(copy_of_run)
    named = [difference.partition(":")[0] for difference in drawn_differences(opened.to_dict(), copy_of_run)]
    assert named == [stranger], "whoever listed it"
    opened.directory.estimates.write_text("{}")
    with pytest.raises(InputError, match=r"estimates\.json is not what"):
        opened.print_report()


def test_a_run_whose_jobs_lie_on_another_disk_verifies_and_hides_no_edit(tiny_study, copy_of_run, tmp_path):
    disk = tmp_path / "disk"
    (copy_of_run / "jobs").rename(disk)
    (copy_of_run / "jobs").symlink_to(disk)
    assert main(["run", str(tiny_study), "--out", str(copy_of_run), "--workers", "1"]) == 0
    verified = verify_run(copy_of_run)
    assert verified.checks == {name: [] for name in verified.checks}
    entry = next(path for path in sorted((disk / "entries").iterdir()) if (path / "records.parquet").exists())
    moved = entry.rename(tmp_path / "moved")
    entry.symlink_to(moved)
    assert verify_run(copy_of_run).right, "what a link leads to is read"
    (moved / "more").symlink_to(tmp_path)
    (moved / "done.json").write_bytes((moved / "done.json").read_bytes().replace(b'"seconds"', b'"Seconds"'))
    checks = verify_run(copy_of_run).checks
    assert checks["manifest"] == [f"jobs/entries/{entry.name}/done.json is not what manifest.json lists"]
    assert checks["results"] == [f"jobs/entries/{entry.name}: more is not listed"]


def test_numbers_may_differ_by_a_platform_and_no_more():
    from gauger.study.verify import unlike

    def places(stored, wanted):
        return list(unlike(stored, wanted))

    assert places({"a": [1.0, 2]}, {"a": [1.0 + 5e-10, 2]}) == []
    assert places({"a": [1.0, 2]}, {"a": [1.0 + 5e-9, 2]}) == ["a[0] is 1.0, and should be 1.000000005"]
    assert places({"a": 0.0}, {"a": None}) == ["a is 0.0, and should be None"]
    assert places({"a": True}, {"a": 1}) == ["a is True, and should be 1"]
    assert places({"a": 1}, {"b": 1}) == ["b is missing", "a is not of this run"]
    assert places([1], [1, 2]) == [" has 1 entries, and should have 2"]


def test_a_signature_by_an_ssh_key(tmp_path, finished_run, capsys):
    for name in ("mine", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    shutil.copy(finished_run / "manifest.json", tmp_path)
    signers = tmp_path / "signers"
    signers.write_text("ann@example.org " + (tmp_path / "mine.pub").read_text())
    found = {}
    for key, space in ((None, ""), ("other", "gauger"), ("mine", "file"), ("mine", "gauger")):
        (tmp_path / "manifest.json.sig").unlink(missing_ok=True)
        if key:
            sign = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(tmp_path / key), "-n", space]
            subprocess.run([*sign, str(tmp_path / "manifest.json")], check=True, capture_output=True)
        found[key, space] = len(signature_differences(tmp_path, signers, "ann@example.org"))
    assert found == {(None, ""): 1, ("other", "gauger"): 1, ("mine", "file"): 1, ("mine", "gauger"): 0}
    (tmp_path / "manifest.json").write_text("{}")
    assert signature_differences(tmp_path, signers, "ann@example.org") == [
        "manifest.json.sig: Signature verification failed: incorrect signature"
    ]
    assert main(["verify", str(finished_run), "--signer", "ann@example.org"]) == 2
    assert "--signers and --signer together" in capsys.readouterr().err


def test_where_no_run_stands(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 2
    assert "expected the directory of a run, got none" in capsys.readouterr().err


def test_a_run_that_was_stopped_is_no_finished_one(copy_of_run, tiny_study):
    run = RunDirectory(copy_of_run)
    lines = run.starts.read_bytes().splitlines(keepends=True)
    run.starts.write_bytes(lines[0])
    assert verify_run(copy_of_run).checks["log of starts"] == [
        "the last start has no end: the run was stopped, or is going on"
    ]
