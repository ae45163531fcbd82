"""The table of defences in the documentation is the registry."""

import re
from pathlib import Path

from gauger.elicit.defences.kinds import GenerationDefence, Need, PolicyDefence
from gauger.elicit.defences.registry import DEFENCES, defence_of

PAGE = (Path(__file__).parents[3] / "docs" / "defences.md").read_text("utf-8")
WORDS = {
    Need.REASONING: "reasoning",
    Need.LOGS: "log-probabilities",
    Need.AT_HAND: "teacher at hand",
    Need.PROXY: "proxy",
    Need.INSTRUCTIONS: "instructions",
}


def kind_of(name):
    defence = defence_of(name)
    return {GenerationDefence: "generation", PolicyDefence: "policy"}.get(type(defence), "view")


def test_every_defence_stands_in_the_table_with_its_kind_and_its_needs():
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| ([^|]*) ?\| .+ \|$", PAGE, re.M)
    told = {name: (kind, needs.strip()) for name, kind, needs in rows}
    known = {n: (kind_of(n), ", ".join(WORDS[need] for need in defence_of(n).needs)) for n in DEFENCES.own}
    assert told == known
