"""docs/cli.md says what the commands say."""

from pathlib import Path

from gauger.cli.application import COMMANDS
from gauger.cli.reference import render

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_in_step():
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m gauger.cli.reference docs/cli.md"


def test_the_page_has_every_command():
    text = render()
    assert all(f"## `gauger {name}`" in text for name in COMMANDS)


def test_the_page_says_how_to_call_status():
    assert "gauger status DIR [--json]" in render()
    assert "| `DIR` | Directory of a run. |" in render()


def test_every_row_of_a_table_has_two_cells():
    rows = [line for line in render().splitlines() if line.startswith("| `")]
    assert rows
    assert [row for row in rows if row.replace("\\|", "").count("|") != 3] == []
