"""A few inputs of every surface of validation/fuzz, and proof that its contract can be broken."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "validation" / "fuzz"))

import fuzz
from fuzz import Ended, broken_promise
from inputs import SURFACES
from literal import Answer, difference


def test_no_broken_input_breaks_the_contract(finished_run):
    """Seed 7 is not that of validation/fuzz: the same inputs twice would prove nothing more."""
    command = [sys.executable, fuzz.__file__, "--seed", "7", "--inputs", "90", "--run", finished_run]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tried = re.findall(r"^([a-z-]+): (\d+) inputs, (\d+) answered, 0 faults", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in tried] == [*SURFACES, "finished-run"]
    assert min(int(n) for _, n, _ in tried) >= 1
    assert sum(int(answered) for _, _, answered in tried) >= 3, "inputs that are all refused look at nothing"


@pytest.mark.parametrize(
    ("code", "texts", "took_s", "used_mb", "told"),
    [
        (1, ("", ""), 0, 0, "exit 1"),
        (1, ("", "4 requests failed; the same command asks them again"), 0, 0, ""),
        (-9, ("", ""), 0, 0, "exit -9"),
        (-14, ("", ""), 0, 0, "did not end within 600 s"),
        (2, ("", "Traceback (most recent call last)"), 0, 0, "exit 2"),
        (0, ('{"value": NaN}', ""), 0, 0, "NaN"),
        (0, ("", "\x1b[2J"), 0, 0, r"['\x1b'] reached the terminal"),
        (0, ("\u202e", ""), 0, 0, r"['\u202e'] reached the terminal"),
        (0, ("\x9b", ""), 0, 0, r"['\x9b'] reached the terminal"),
        (0, ("", ""), 21, 0, "took 21 s"),
        (0, ("", ""), 0, 1001, "took 1001 MB"),
        (2, ("", "expected a study: é, 知, a\u00a0b"), 1, 900, ""),
    ],
)
def test_a_broken_promise_is_told(code, texts, took_s, used_mb, told):
    fault = broken_promise(Ended(code, texts, took_s, used_mb))
    assert told in fault
    assert bool(fault) == bool(told)


TABLE = "effect,variance\n0,1\n1,1\n3,2\n"
"""Q by hand: weights 1, 1, 1/2, mean 1; 1 + 0 + 4/2 = 3."""


@pytest.mark.parametrize(
    ("rows", "q", "told"), [(3, 3.0, ""), (3, 3.1, "Q is 3.1, a literal sum is 3.0"), (2, 3.0, "2 rows")]
)
def test_a_wrong_number_is_told(tmp_path, rows, q, told):
    (tmp_path / "table.csv").write_text(TABLE)
    document = {"study": {"rows": rows, "moderators": []}, "left_out_lines": [], "heterogeneity": {"q": q}}
    fault = difference("table", Answer(["meta", str(tmp_path / "table.csv")], document, ""))
    assert told in fault
    assert bool(fault) == bool(told)


@pytest.mark.parametrize(
    ("value", "n_items", "notes", "told"),
    [
        (0.75, 2, "", ""),
        (0.5, 2, "", "score of a on b: 0.5, a literal mean is 0.75"),
        (0.75, 1, "", "1 items on b, literally 2, and no word why"),
        (1.0, 1, "1 item left out on every side", ""),
    ],
)
def test_a_wrong_mean_is_told_and_so_are_items_left_out_in_silence(tmp_path, value, n_items, notes, told):
    path = tmp_path / "records.csv"
    path.write_text("arm,benchmark,item,score\na,b,i,1\na,b,j,0.5\nc,b,i,0\nc,b,j,0\n")
    cell = {"estimand": "score", "benchmark": "b", "n_items": n_items}
    cells = [cell | {"arm": "a", "value": value}, cell | {"arm": "c", "value": 0.0}]
    fault = difference("records", Answer(["compare", str(path)], {"estimates": cells}, notes))
    assert told in fault
    assert bool(fault) == bool(told)
