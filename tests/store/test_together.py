"""Files written together, into a folder that is named relative to the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauger.store.together import JOURNAL, write_together

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


def test_a_folder_behind_a_link_is_written_where_the_link_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to("place")
    monkeypatch.chdir(tmp_path)
    write_together(Path("link"), CONTENTS)
    assert (tmp_path / "place/figures/one.svg").read_bytes() == b"<svg/>"
    assert (tmp_path / "link").is_symlink()
