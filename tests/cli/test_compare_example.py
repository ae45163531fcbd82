"""`gauger compare --example`: the logs that come with the package, and the command line that compares them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from gauger.cli import main
from gauger.measure import EXAMPLE_ROLES, example_logs

from .write_example_logs import RIGHT, write


def test_the_logs_are_those_that_the_script_writes(tmp_path: Path) -> None:
    write(tmp_path)
    installed = Path(example_logs()["teacher"][0]).parent
    there = {str(path.relative_to(installed)): path.read_bytes() for path in installed.rglob("*") if path.is_file()}
    made = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == made
    assert sum(map(len, made.values())) < 400_000, "the package must stay small"


def test_it_compares_them_and_says_the_command_that_does_the_same(capsys) -> None:
    assert main(["compare", "--example", "--json"]) == 0
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("made-up logs that come with Gauger; the same as: gauger compare distilled=")
    words = shlex.split(line.partition("the same as: ")[2])
    assert main([*words[1:], "--json"]) == 0
    assert capsys.readouterr().out == said.out
    found = {
        (one["estimand"], one["over"]): one for one in json.loads(said.out)["estimates"] if one["scale"] == "points"
    }
    planted = {role: RIGHT["distilled"][name] - RIGHT["control"][name] for name, role in EXAMPLE_ROLES.items()}
    for role, value in planted.items():
        assert found["uplift", role]["low"] < value < found["uplift", role]["high"]
    assert found["uplift", "targeted"]["low"] > 0


def test_it_stands_alone(capsys) -> None:
    assert main(["compare", "--example", "distilled=x"]) == 2
    assert "expected --example alone, or logs, got --example with 'distilled=x'" in capsys.readouterr().err
    assert main(["compare"]) == 2
    assert "gauger compare --example" in capsys.readouterr().err
