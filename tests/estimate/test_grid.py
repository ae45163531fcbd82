"""Calibration designs: what a file says is what is drawn; mistakes are named with their place."""

from dataclasses import fields
from pathlib import Path

import pytest

from gauger.errors import InputError, UserError
from gauger.estimate.calibrate.designs import load_calibration, parse_calibration
from gauger.estimate.calibrate.planted import Planted


def test_the_design_of_the_package_covers_what_calibration_promises():
    cells = load_calibration().cells
    assert len({cell.name for cell in cells}) == len(cells)
    assert {2, 3, 4, 8} <= {cell.replicates for cell in cells}
    assert {50, 2000} <= {cell.items for cell in cells}
    assert {0.0, 0.5, 1.0} <= {cell.bound_share for cell in cells}
    for flag in ("graded", "heavy_tails", "paired", "moderated"):
        assert {True, False} == {getattr(cell, flag) for cell in cells}
    assert any(cell.cluster_size > 1 for cell in cells)
    assert any(cell.replicate_sd == 0 for cell in cells)
    assert any(cell.noise_ratio > 1 for cell in cells)
    assert any(cell.uplift == 0 for cell in cells)
    assert any(cell.base > 0.8 for cell in cells)
    assert any(cell.base < 0.05 for cell in cells)


def test_grid_and_cells_are_laid_over_the_base():
    text = """
    draws: 7
    seed: 3
    base: {items: 60, uplift: 0}
    grid: {replicates: [2, 3], paired: [true, false]}
    cells:
      - {name: strange, items: 10}
    """
    design = parse_calibration(text, "d.yaml")
    assert (design.draws, design.seed) == (7, 3)
    assert [(c.replicates, c.paired, c.items) for c in design.cells[:4]] == [
        (2, True, 60),
        (2, False, 60),
        (3, True, 60),
        (3, False, 60),
    ]
    assert design.cells[0].name == "replicates 2, paired True"
    assert design.cells[4] == Planted(name="strange", items=10, uplift=0)


def test_an_empty_design_is_one_ordinary_study():
    assert parse_calibration("{}", "d.yaml").cells == (Planted(),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("draws: [", r"^d\.yaml:1: not readable as YAML"),
        ("", "the file is empty"),
        ("draws: 3\ndraws: 4", r"^d\.yaml:2: draws: expected each key once"),
        ("draws: 3\nseed: x", r"^d\.yaml:2: seed: expected a whole number of at least 0"),
        ("- 1", "expected a mapping"),
        ("drws: 3", "Did you mean 'draws'"),
        ("draws: 0", "at least 1"),
        ("draws: true", "at least 1"),
        ("base: {replicate: 3}", "Did you mean 'replicates'"),
        ("base: {replicates: 3.5}", r"base\.replicates: expected a whole number"),
        ("base: {paired: 1}", r"base\.paired: expected true or false"),
        ("base: {uplift: yes}", r"base\.uplift: expected a finite number"),
        ("grid: {items: 50}", r"grid\.items: expected a list of values"),
        ("grid: {items: [20, 20]}", r"grid\.items: expected each value once"),
        ("grid: {items: [20, many]}", r"grid\.items: expected a whole number, got 'many'"),
        ("grid: {name: [a, b]}", r"grid\.name: expected no names"),
        ("base: {uplift: .nan}", r"base\.uplift: expected a finite number"),
        ("base: {items: true}", r"base\.items: expected a whole number"),
        ("cells: {name: x}", "cells: expected a list"),
        ("cells: [3]", r"cells\.0: expected a mapping"),
        ("base: {base: 2.0}", "base: expected planted scores strictly between 0 and 1"),
        ("draws: 3\ncells:\n  - {name: high, base: 0.99}", r"^d\.yaml:3: cells\.0: .* in cell 'high'\. Leave room"),
        ("grid: {replicates: [0]}", "grid: expected replicates of at least 1, got 0 in cell 'replicates 0'"),
        ("cells: [{name: x}, {name: x}]", "different names"),
    ],
)
def test_mistakes_are_named_with_their_place(text, said):
    with pytest.raises(UserError, match=said):
        parse_calibration(text, "d.yaml")


def test_a_missing_file_is_the_users_mistake():
    with pytest.raises(InputError, match="nowhere"):
        load_calibration(Path("nowhere.yaml"))


def test_every_setting_can_be_set_in_a_file():
    plain = Planted()
    for field in fields(Planted):
        value = getattr(plain, field.name)
        text = f"base: {{{field.name}: {str(value).lower() if isinstance(value, bool) else value}}}"
        assert parse_calibration(text, "d.yaml").cells == (plain,)
