"""Every writer of the project writes its files whole or not at all, and files that belong together all or none.

A fault is injected at every operation of every writer (`faulty_files`); afterwards the folder holds the old content or
the new one, once whoever reads it has finished what a killed process had decided.
"""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import gauger
from gauger.elicit.corpus import Corpus
from gauger.elicit.export import export_corpus
from gauger.elicit.sample import Sample
from gauger.elicit.teacher.messages import Message
from gauger.errors import DamagedError
from gauger.evidence.add import append_to
from gauger.records import Document, Estimate
from gauger.store import chain, manifest
from gauger.store.atomic import write_json, write_parquet, write_text
from gauger.store.documents import write_document
from gauger.store.failures import JobFailure, write_failure
from gauger.store.together import JOURNAL, finish_writing, write_together

from .faulty_files import FAULTS, FaultyFiles, KilledError, faulty

SOURCE = Path(gauger.__file__).parent


@pytest.fixture(autouse=True)
def _no_waiting_for_disks(monkeypatch):
    """What is forced to disk is not read back from it here; the fault layer counts the calls all the same."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def corpus(number: int) -> Corpus:
    prompt = (Message("user", f"prompt {number}"),)
    return Corpus((Sample(prompt, f"answer {number}", strategy="label"),), (f"note {number}",))


def document(number: int) -> Document:
    one = Estimate("uplift", "label", "matched", "quiz", "targeted", value=number / 10, se=0.1, df=5.0)
    return Document(study={"name": f"study {number}", "fingerprint": "f"}, estimates=[one])


def failure(number: int) -> JobFailure:
    return JobFailure("k", "job", "label", 0, "train", "job", "ValueError", f"text {number}")


HEADERS = {"results.csv": "a,b\n", "studies.csv": "c\n"}


def add_evidence(folder: Path, number: int) -> None:
    """Append rows to both files of a table, whose columns stand in for those of the real one."""
    rows = {"results.csv": f"r{number},1\n", "studies.csv": f"s{number}\n"}
    write_together(folder, {name: (folder / name).read_bytes() + rows[name].encode() for name in rows})


def start_evidence(folder: Path) -> None:
    for name, header in HEADERS.items():
        (folder / name).write_text(header)


def nothing(folder: Path) -> None:
    """Begin in an empty folder."""


Writer = Callable[[Path, int], object]
WRITERS: dict[str, tuple[Callable[[Path], None], Writer]] = {
    "text": (nothing, lambda folder, n: write_text(folder / "page.html", f"page {n}")),
    "json": (nothing, lambda folder, n: write_json(folder / "value.json", {"n": n})),
    "table": (nothing, lambda folder, n: write_parquet(folder / "t.parquet", pl.DataFrame({"n": [n]}))),
    "document": (nothing, lambda folder, n: write_document(folder / "estimates.json", document(n))),
    "failure": (nothing, lambda folder, n: write_failure(folder, failure(n))),
    "log of starts": (nothing, lambda folder, n: chain.append_entry(folder / "starts.jsonl", {"n": n})),
    "manifest": (lambda folder: (folder / "a").write_text("a"), lambda folder, n: manifest.write_manifest(folder)),
    "evidence": (start_evidence, add_evidence),
    "corpus": (nothing, lambda folder, n: corpus(n).write_whole(folder)),
    "exports": (nothing, lambda folder, n: export_corpus(corpus(n), folder)),
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return what a reader sees: temporary files, which nobody reads, left out."""
    finish_writing(folder)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".tmp")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def prepared(folder: Path, writer: str) -> Path:
    folder.mkdir(parents=True)
    begin, write = WRITERS[writer]
    begin(folder)
    write(folder, 1)
    return folder


def operations(folder: Path, writer: str) -> tuple[int, dict[str, bytes], dict[str, bytes]]:
    """Return how many operations a writer makes, and what stands before and after."""
    prepared(folder, writer)
    old = contents(folder)
    with faulty(FaultyFiles()) as files:
        WRITERS[writer][1](folder, 2)
    return files.count, old, contents(folder)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_fault_at_any_operation_leaves_the_old_content_or_the_new(writer, tmp_path):
    count, old, new = operations(tmp_path / "plain", writer)
    assert count >= 4
    assert old != new or writer == "manifest"
    seen = set()
    for at in range(count):
        for fault in FAULTS:
            folder = prepared(tmp_path / f"{at} {fault}", writer)
            with faulty(FaultyFiles(fault, at)) as files, pytest.raises((KilledError, OSError)) as raised:
                WRITERS[writer][1](folder, 2)
            seen.add(type(raised.value))
            if isinstance(raised.value, OSError):
                assert raised.value.errno == errno.ENOSPC
                assert str(folder) in str(raised.value.filename), "the message names a file of the user's"
            found = contents(folder)
            assert found in (old, new), f"{writer}: {fault} at {at} ({files.names[-1]})"
            seen.add("old" if found == old else "new")
            WRITERS[writer][1](folder, 2)  # and the next attempt succeeds
    assert {KilledError, OSError} <= seen
    assert {"old", "new"} <= seen or old == new


def test_how_many_faults_that_are(tmp_path):
    """Three hundred and more over all writers: the loop above makes all of them."""
    counts = {writer: operations(tmp_path / writer, writer)[0] for writer in WRITERS}
    assert sum(counts.values()) * len(FAULTS) >= 300, counts


def test_the_fault_layer_sees_a_writer_that_writes_in_place(tmp_path):
    """A writer as they were: that it would be found is what makes the test above worth something."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"old\n")
    with faulty(FaultyFiles("short write", 0)), pytest.raises(OSError, match="space"):
        path.write_bytes(b"old\nnew row\n")
    assert path.read_bytes() not in (b"old\n", b"old\nnew row\n")


def test_a_killed_pair_is_finished_by_whoever_reads(tmp_path):
    start_evidence(tmp_path)
    with faulty(FaultyFiles()) as files:
        add_evidence(tmp_path, 1)
    renames = [at for at, name in enumerate(files.names) if name == "rename"]
    assert len(renames) == 3, "the journal, then both files"
    folder = tmp_path / "again"
    folder.mkdir()
    start_evidence(folder)
    with faulty(FaultyFiles("kill before", renames[2])), pytest.raises(KilledError):
        add_evidence(folder, 1)
    assert [path.read_text() for path in sorted(folder.glob("*.csv"))] == ["a,b\nr1,1\n", "c\n"], "half of it"
    finish_writing(folder)
    assert [path.read_text() for path in sorted(folder.glob("*.csv"))] == ["a,b\nr1,1\n", "c\ns1\n"]
    assert not (folder / JOURNAL).exists()


@pytest.mark.parametrize(
    "files",
    [
        {"../victim": "../.victim.x.tmp"},
        {"/victim": "/.victim.x.tmp"},
        {"a": "b"},
        {"a": ".b.x.tmp"},
        {"a": "sub/.a.x.tmp"},
        {"a": 1},
        [],
    ],
)
def test_a_strangers_journal_moves_nothing(files, tmp_path):
    folder = tmp_path / "folder"
    write_json(folder / JOURNAL, {"schema": "gauger.together/1", "files": files})
    (tmp_path / ".victim.x.tmp").write_text("new")
    (folder / "b").write_text("b")
    with pytest.raises(DamagedError, match=r"together\.json is not of schema"):
        finish_writing(folder)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        ".together.json",
        ".victim.x.tmp",
        "b",
    ]


def test_a_full_disk_cuts_no_table_of_evidence(tmp_path):
    """The shipped table, grown by a row and a study: the case that once cut it in half."""
    from gauger.evidence.table import data_path

    for name in HEADERS:
        (tmp_path / name).write_bytes((data_path() / name).read_bytes())
    old = {name: (tmp_path / name).read_bytes() for name in HEADERS}
    blocks = {name: "\n".join(old[name].decode().splitlines()[:2]) + "\n" for name in HEADERS}
    with faulty(FaultyFiles()) as files:
        append_to(tmp_path, blocks["results.csv"], blocks["studies.csv"])
    grown = {name: (tmp_path / name).read_bytes() for name in HEADERS}
    assert all(grown[name].startswith(old[name]) and len(grown[name]) > len(old[name]) for name in HEADERS)
    for at, name in enumerate(files.names):
        if name in ("write", "sync"):
            write_together(tmp_path, old)
            with faulty(FaultyFiles("full disk", at)), pytest.raises(OSError, match="space"):
                append_to(tmp_path, blocks["results.csv"], blocks["studies.csv"])
            found = {name: (tmp_path / name).read_bytes() for name in HEADERS}
            finish_writing(tmp_path)
            assert found == old or {name: (tmp_path / name).read_bytes() for name in HEADERS} == grown


RAW = {"write_text", "write_bytes", "write_csv", "write_parquet", "save_file"}
ALLOWED = {
    "store/atomic.py": "the writer itself",
    "store/together.py": "into temporary files",
    "store/streams.py": "into temporary files",
    "execute/cache.py": "into a result that gets its place by one rename",
    "train/tiny/engine.py": "into a result that gets its place by one rename",
    "train/hf/models.py": "into a result that gets its place by one rename",
    "train/soft_targets.py": "into a result that gets its place by one rename",
    "train/state.py": "into a temporary file of the store's",
    "spec/__main__.py": "generated pages of this repository",
    "cli/reference.py": "generated pages of this repository",
}


def raw_writes(path: Path) -> list[str]:
    """Return the calls of a file that write to a path themselves; a `write_csv()` without a path gives text."""
    found = []
    own = "from gauger.store" in (text := path.read_text(encoding="utf-8"))
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in RAW and node.args:
            found.append(node.func.attr)
        elif isinstance(node.func, ast.Name) and node.func.id in RAW and not own:
            found.append(node.func.id)
    return found


def test_nobody_writes_past_the_store():
    found = {path.relative_to(SOURCE).as_posix(): raw_writes(path) for path in sorted(SOURCE.rglob("*.py"))}
    assert {name: calls for name, calls in found.items() if calls and name not in ALLOWED} == {}
    assert all((SOURCE / name).is_file() for name in ALLOWED)
