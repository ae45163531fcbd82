"""A few inputs of every surface of validation/fuzz, and proof that its contract can be broken."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "validation" / "fuzz"))

from fuzz import SURFACES, broken_promise, fault_of

QUICK = {"study": 4, "set": 8, "records": 8, "lm-eval": 6, "inspect": 6, "archive": 6, "seeds": 4, "run-directory": 12}
QUICK |= {"words": 12, "table": 3, "points": 1, "design": 1}


def test_every_surface_is_tried():
    assert set(QUICK) == set(SURFACES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("surface", SURFACES)
def test_no_broken_input_breaks_the_contract(surface):
    """Seed 7 is not that of validation/fuzz: the same inputs twice would prove nothing more."""
    faults = [fault_of(surface, 7, number) for number in range(QUICK[surface])]
    assert faults == [""] * QUICK[surface]


@pytest.mark.parametrize(
    ("code", "texts", "took_s", "said"),
    [
        (1, ["", ""], 0, "exit 1"),
        (2, ["", "Traceback (most recent call last)"], 0, "exit 2"),
        (0, ['{"value": NaN}', ""], 0, "NaN"),
        (0, ["", "\x1b[2J"], 0, "control character"),
        (0, ["", ""], 21, "took 21 s"),
        (2, ["", "expected a study"], 1, ""),
    ],
)
def test_a_broken_promise_is_told(code, texts, took_s, said):
    found = broken_promise(code, texts, took_s)
    assert said in found
    assert bool(found) == bool(said)
