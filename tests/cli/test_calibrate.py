"""``gauger calibrate`` on a tiny design: tables for people, JSON for programs, mistakes with exit code 2."""

import json

import pytest
import typer
from typer.testing import CliRunner

from gauger.cli.calibrate import register
from gauger.errors import UserError


@pytest.fixture
def app():
    made = typer.Typer()
    register(made)
    return made


@pytest.fixture
def design(tmp_path):
    path = tmp_path / "design.yaml"
    path.write_text("draws: 3\nbase: {items: 20, replicates: 2, benchmarks: 1}\ncells: [{name: tiny}]\n")
    return path


def test_tables_name_cells_estimands_and_verdicts(app, design):
    result = CliRunner().invoke(app, ["--design", str(design)])
    assert result.exit_code == 0, result.output
    for said in (
        "tiny",
        "gap_recovered",
        "items only",
        "undetermined",
        "3 studies per cell",
        "power",
        "threshold 0.25",
    ):
        assert said in result.stdout
    assert result.stderr == "cell 1 of 1: tiny (3 studies)\n"


def test_json_holds_every_score_and_draws_can_be_overridden(app, design):
    result = CliRunner().invoke(app, ["--design", str(design), "--draws", "2", "--json"])
    document = json.loads(result.stdout)
    assert document["schema"] == "gauger.calibration/1"
    assert document["draws"] == 2
    assert document["cells"][0]["verdict"]["draws"] == 2


def test_a_mistake_in_the_design_is_a_user_error(app, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("base: {replicats: 2}\n")
    result = CliRunner().invoke(app, ["--design", str(path)])
    assert isinstance(result.exception, UserError)
    assert "Did you mean 'replicates'" in str(result.exception)


def test_the_power_of_every_check_stands_beside_the_verdicts(app, tmp_path):
    """A leak that nobody sees is passed by no memorisation check, and by that of a plain leak nearly always."""
    path = tmp_path / "design.yaml"
    cells = "cells: [{name: seen, leaked: 0.5}, {name: blind, leak_is_blind: true}]"
    path.write_text(f"draws: 8\nbase: {{items: 80, replicates: 2, benchmarks: 1}}\n{cells}\n")
    result = CliRunner().invoke(app, ["--design", str(path)])
    assert result.exit_code == 0, result.output
    table = result.stdout.split("Checks of the instrument that were passed (8 studies per cell)")[1].splitlines()
    heading = table[1]
    place = heading.index("memorisation") + len("memorisation")
    seen, blind = (float(line[:place].split()[-2]) for line in table[2:4])
    assert all(name in heading for name in ("placebo", "leak", "reference", "major or minor"))
    assert seen >= 75
    assert blind <= 25
