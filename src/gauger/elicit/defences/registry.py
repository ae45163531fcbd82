"""Names the defences: records of one of the kinds in `kinds.py`; a bare function of reply and strength is a view."""

from __future__ import annotations

from gauger.elicit.defences.kinds import Defence, GenerationDefence, PolicyDefence, ViewDefence
from gauger.plugs import Registry

DEFENCES = Registry(
    "a defence",
    "gauger.defences",
    {
        "antidistil": "gauger.elicit.defences.antidistillation:ANTIDISTILLATION",
        "brief": "gauger.elicit.defences.brief:BRIEF",
        "heat": "gauger.elicit.defences.heat:HEAT",
        "hide-reasoning": "gauger.elicit.defences.reasoning:HIDE",
        "product-of-experts": "gauger.elicit.defences.experts:EXPERTS",
        "ration": "gauger.elicit.defences.ration:RATION",
        "refuse-flagged": "gauger.elicit.defences.flagged:REFUSE_FLAGGED",
        "rewrite": "gauger.elicit.defences.rewrite:REWRITE",
        "round": "gauger.elicit.defences.rounding:ROUND",
        "shorten": "gauger.elicit.defences.shorten:SHORTEN",
        "summarise": "gauger.elicit.defences.reasoning:SUMMARISE",
        "watermark": "gauger.elicit.defences.watermark:WATERMARK",
        "wrong-answers": "gauger.elicit.defences.wrong:WRONG_ANSWERS",
        "wrong-steps": "gauger.elicit.defences.wrong:WRONG_STEPS",
    },
)
"""Name -> its record."""


def defence_of(name: str) -> Defence:
    """Return a defence by its name; an unknown one is answered with the nearest known one."""
    defence = DEFENCES.load(name)
    known: Defence = (
        defence if isinstance(defence, ViewDefence | GenerationDefence | PolicyDefence) else ViewDefence(defence)
    )
    return known
