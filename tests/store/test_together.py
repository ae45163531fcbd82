"""Files written together, into a folder that is named relative to the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauger.store.atomic import write_json
from gauger.store.together import JOURNAL, SCHEMA, finish_writing, write_together

CONTENTS = {"page.html": b"page", "figures/one.svg": b"<svg/>"}


@pytest.mark.parametrize("named", ["out", "out/deep", "./out", "other/../out", "."])
def test_a_relative_folder_gets_the_files_and_nothing_else(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    for content in (CONTENTS, {name: old + b" again" for name, old in CONTENTS.items()}):
        write_together(Path(named), content)
        folder = tmp_path / named
        assert {name: (folder / name).read_bytes() for name in content} == content
        names = {
            file.relative_to(folder.resolve()).as_posix() for file in folder.resolve().rglob("*") if file.is_file()
        }
        assert names == set(content)
    assert not list(tmp_path.rglob(JOURNAL))


@pytest.mark.parametrize("there", [{}, CONTENTS], ids=["first", "again"])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_folder_in_the_place_of_a_file_is_named_and_nothing_is_left(
    name: str, there: dict[str, bytes], tmp_path: Path
) -> None:
    if there:
        write_together(tmp_path, there)
        (tmp_path / name).unlink()
    (tmp_path / name).mkdir(parents=True)
    before = {file: file.is_file() and file.read_bytes() for file in tmp_path.rglob("*")}
    with pytest.raises(IsADirectoryError) as raised:
        write_together(tmp_path, {file: content + b" again" for file, content in CONTENTS.items()})
    assert raised.value.filename == str(tmp_path.resolve() / name)
    assert {file: file.is_file() and file.read_bytes() for file in tmp_path.rglob("*")} == before
    (tmp_path / name).rmdir()
    write_together(tmp_path, CONTENTS)
    assert {file: (tmp_path / file).read_bytes() for file in CONTENTS} == CONTENTS


def test_a_folder_that_got_in_the_way_later_is_named_and_the_next_writer_goes_on(tmp_path: Path) -> None:
    """What an earlier version left: a journal whose file could not get its place."""
    (tmp_path / "page.html").mkdir()
    (tmp_path / ".page.html.x.tmp").write_bytes(b"page")
    write_json(tmp_path / JOURNAL, {"schema": SCHEMA, "files": {"page.html": ".page.html.x.tmp"}})
    with pytest.raises(IsADirectoryError) as raised:
        finish_writing(tmp_path)
    assert raised.value.filename == str(tmp_path / "page.html")
    (tmp_path / "page.html").rmdir()
    finish_writing(tmp_path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("page.html", b"page")]


def test_a_folder_behind_a_link_is_written_where_the_link_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to("place")
    monkeypatch.chdir(tmp_path)
    write_together(Path("link"), CONTENTS)
    assert (tmp_path / "place/figures/one.svg").read_bytes() == b"<svg/>"
    assert (tmp_path / "link").is_symlink()
