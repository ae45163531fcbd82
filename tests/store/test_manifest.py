"""The manifest of a run directory: whatever is changed, cut, missing or new is named."""

import hashlib
import json
import os

import pytest

from gauger.errors import DamagedError
from gauger.store.manifest import (
    contents_digest,
    described_files,
    listed_names,
    manifest_differences,
    read_manifest_file,
    update_manifest,
    write_manifest,
)

LISTED = [
    "estimates.json",
    "figures/a.svg",
    "jobs/entries/k/done.json",
    "jobs/jobs.json",
    "report.html",
    "starts.jsonl",
]
NOT_LISTED = ["jobs/lock", "jobs/partial/x/y", "jobs/dropped/z", "jobs/entries/k/model", "manifest.json.sig"]


@pytest.fixture
def root(tmp_path):
    for name in LISTED + NOT_LISTED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name == "jobs/lock" else name)
    write_manifest(tmp_path)
    return tmp_path


def test_what_is_listed(root):
    assert listed_names(root) == LISTED
    files = json.loads((root / "manifest.json").read_bytes())["files"]
    assert list(files) == LISTED
    for name in LISTED:
        digest = hashlib.sha256(name.encode()).hexdigest()
        assert files[name] == {"bytes": len(name), "sha256": digest}
    assert manifest_differences(root) == []


def write(name, text=""):
    def change(root):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)

    return change


def folder_in_place(root):
    (root / "report.html").unlink()
    (root / "report.html").mkdir()


OTHER, MORE = '{"schema": "x", "files": {}}', '{"schema": "gauger.manifest/1", "files": {}, "a": 1}'
EDITS = {
    "changed": (write("report.html", "report.htmL"), "report.html is not what manifest.json lists"),
    "cut": (write("estimates.json"), "estimates.json is not what manifest.json lists"),
    "missing": (lambda root: (root / "figures/a.svg").unlink(), "figures/a.svg is missing"),
    "new": (write("more"), "more is not listed in manifest.json"),
    "new beside a result": (write("jobs/entries/k2/done.json"), "k2/done.json is not listed"),
    "a folder in its place": (folder_in_place, "report.html is missing"),
    "a dangling link": (lambda root: (root / "link").symlink_to("nowhere"), "link is not listed"),
    "no manifest": (lambda root: (root / "manifest.json").unlink(), "manifest.json is missing"),
    "another schema": (write("manifest.json", OTHER), "is not of schema"),
    "more in it": (write("manifest.json", MORE), "is not of schema"),
    "a link to a folder": (lambda root: (root / "link").symlink_to(root / "figures"), "link is not listed"),
    "new beside the lock": (write("jobs/lockfile.json"), "jobs/lockfile.json is not listed"),
    "new beside the page": (write("report.html.bak"), "report.html.bak is not listed"),
    "a held lock": (write("jobs/lock", "{}"), "jobs/lock is not empty"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_named(root, edit):
    change, said = EDITS[edit]
    change(root)
    assert said in "; ".join(manifest_differences(root))


def test_only_some_files(root):
    (root / "report.html").write_text("other")
    assert manifest_differences(root, only=frozenset({"estimates.json"})) == []
    assert len(manifest_differences(root, only=frozenset({"estimates.json", "report.html"}))) == 1
    (root / "frozen.json").touch()
    assert manifest_differences(root, only=frozenset({"frozen.json"})) == ["frozen.json is not listed in manifest.json"]


def test_drawing_a_report_again_lists_the_report_and_launders_nothing_else(root):
    before = contents_digest(read_manifest_file(root))
    (root / "report.html").write_text("drawn again")
    (root / "figures/b.svg").write_text("new")
    (root / "figures/c.svg").write_text("drawn by nobody")
    (root / "report-print.html").write_text("drawn by nobody")
    (root / "figures/a.svg").unlink()
    (root / "estimates.json").write_text("edited")
    update_manifest(root, ("report.html", "figures/b.svg", "figures/"))
    assert manifest_differences(root) == [
        "estimates.json is not what manifest.json lists",
        "figures/c.svg is not listed in manifest.json",
        "report-print.html is not listed in manifest.json",
    ]
    assert contents_digest(read_manifest_file(root)) == before
    (root / "manifest.json").unlink()
    update_manifest(root, ("report.html",))
    assert not (root / "manifest.json").exists()


def test_the_digest_covers_everything_but_the_log_and_what_is_drawn(root):
    before = contents_digest(described_files(root))
    for name in LISTED:
        (root / name).write_text("changed")
        same = contents_digest(described_files(root)) == before
        assert same == name.startswith(("starts.jsonl", "report.html", "figures/")), name
        (root / name).write_text(name)


def test_what_an_earlier_report_drew_stays_listed_as_it_was(root):
    update_manifest(root, ("report.html",))
    assert manifest_differences(root) == []
    (root / "figures/a.svg").write_text("edited")
    update_manifest(root, ("report.html",))
    assert manifest_differences(root) == ["figures/a.svg is not what manifest.json lists"]


def moved_behind_a_link(root, name, place):
    """Move a part of a run to another disk, and leave a link to it."""
    (root / name).rename(place)
    (root / name).symlink_to(place)
    return place


@pytest.mark.parametrize("name", ["jobs", "jobs/entries", "jobs/entries/k", "jobs/entries/k/done.json", "report.html"])
def test_a_part_on_another_disk_is_listed_as_ever_and_its_edit_is_found(root, name, tmp_path_factory):
    moved_behind_a_link(root, name, tmp_path_factory.mktemp("disk") / "part")
    assert listed_names(root) == LISTED
    assert manifest_differences(root) == [], "as before it was moved"
    write_manifest(root)
    assert manifest_differences(root) == []
    edited = "report.html" if name == "report.html" else "jobs/entries/k/done.json"
    (root / edited).write_text("edited")
    assert manifest_differences(root) == [f"{edited} is not what manifest.json lists"]


def test_a_link_to_another_folder_is_listed_by_where_it_leads(root, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    for link, target in (("data", disk), ("loop", root), ("jobs/logs", disk), ("gone", disk / "nothing")):
        (root / link).symlink_to(target)
    files = write_manifest(root)["files"]
    assert files["data"] == files["jobs/logs"] == {"link": str(disk)}
    assert files["loop"] == {"link": str(root)}
    assert manifest_differences(root) == []
    (root / "data").unlink()
    (root / "data").symlink_to(disk.parent)
    (root / "gone").unlink()
    (root / "gone").write_text("now a file")
    assert manifest_differences(root) == [f"{name} is not what manifest.json lists" for name in ("data", "gone")]


def test_a_pipe_is_named_and_not_waited_for(root):
    os.mkfifo(root / "pipe")
    assert manifest_differences(root) == ["pipe is not listed in manifest.json"]
    write_manifest(root)
    assert manifest_differences(root) == []
    (root / "report.html").unlink()
    os.mkfifo(root / "report.html")
    assert manifest_differences(root) == ["report.html is not what manifest.json lists"]


@pytest.mark.parametrize("name", ["report.html.bak", "report-print.html2", "starts.jsonl.old"])
def test_a_name_that_only_begins_like_a_drawn_one_is_covered(root, name):
    before = contents_digest(described_files(root))
    (root / name).write_text("other")
    assert contents_digest(described_files(root)) != before


def test_a_manifest_that_is_no_json(root):
    (root / "manifest.json").write_text("{")
    with pytest.raises(DamagedError):
        read_manifest_file(root)
    assert len(manifest_differences(root)) == 1
