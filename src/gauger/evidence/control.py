"""Derives what kind of control a row has from the words of `control_arm`; contradictions with `contrast` are errors.

The words of the control decide, not the name of the table that it was printed in. In this order: is it the teacher? is
it itself distilled? is it a checkpoint of the same pipeline? only then: what was it trained on? Where the words say
nothing the coder's `contrast` stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gauger.evidence.columns import SWAP_CONTRASTS, UPLIFT_CONTRASTS, Contrast

_SWAPS = frozenset(SWAP_CONTRASTS)
_STAGES = frozenset({Contrast.EARLIER, Contrast.UNMATCHED, *_SWAPS})


@dataclass(frozen=True)
class ControlRule:
    """One reading of the words."""

    says: str
    """What the words say the control is."""
    words: re.Pattern[str]
    allows: frozenset[Contrast]
    """The contrasts that do not contradict it."""
    unless: re.Pattern[str] | None = None
    """Words that take the reading back."""


def _rule(says: str, words: str, allows: frozenset[Contrast], unless: str = "") -> ControlRule:
    return ControlRule(
        says, re.compile(words, re.IGNORECASE), allows, re.compile(unless, re.IGNORECASE) if unless else None
    )


RULES: tuple[ControlRule, ...] = (
    _rule(
        "the teacher", r"\band the teacher\b|^the teacher\b|^teacher\b(?! trajector| text| data|[- ]free|-generated)",
        frozenset({Contrast.TEACHER_ITSELF, Contrast.NONE, *_SWAPS, Contrast.UNMATCHED}),
    ),
    _rule(
        "itself distilled",
        r"\bitself distilled\b|\bvendor.{0,25}= .{0,12}distillation|^R1-Distill|^DeepSeek-R1-Distill"
        r"|^Qwen3-(0\.6|1\.7|4|8|14)B \(vendor|from same off-policy[- ]distilled"
        r"|trained on (undefended )?traces of|^SFT on (R1|QwQ|GPT|DeepSeek)",
        _STAGES | {Contrast.NONE, Contrast.TEACHER_ITSELF, Contrast.SELF, Contrast.GAP},
        r"the start itself was distilled|not itself distilled|before on-policy distillation",
    ),
    _rule(
        "a checkpoint of the same pipeline", r"\b(SFT|earlier|first|previous|second) (stage|checkpoint) of the same\b",
        _STAGES,
    ),
    _rule(
        "another size or a sibling", r"not same size|not the exact base|\bsibling of\b|sister tune",
        frozenset({Contrast.UNMATCHED, Contrast.EARLIER, *_SWAPS}),
    ),
    _rule(
        "reinforcement learning without a teacher",
        r"^RL (alone|only|without (distill|teacher))",
        frozenset({Contrast.RL, Contrast.METHOD_SWAP, Contrast.UNMATCHED, Contrast.EARLIER, Contrast.GAP}),
    ),
    _rule(
        "trained without a teacher",
        r"\bno teacher\b|without (a )?teacher\b|\bLM loss only\b|\bhuman (data|solutions)\b",
        frozenset({Contrast.NO_TEACHER, Contrast.RL, Contrast.SELF, *_STAGES, Contrast.GAP}),
        r"^untouched|closed book",
    ),
    _rule(
        "the untouched student", r"^untouched\b",
        frozenset({Contrast.UNTOUCHED, Contrast.UNMATCHED, Contrast.EARLIER, Contrast.GAP, *_SWAPS}),
    ),
)  # fmt: skip


def read_control(words: str) -> ControlRule | None:
    """Return the first rule whose words stand in a `control_arm`, or None where they say nothing.

    Parameters
    ----------
    words : str
        The cell.
    """
    for rule in RULES:
        if rule.words.search(words) and not (rule.unless and rule.unless.search(words)):
            return rule
    return None


def contradiction(words: str, contrast: str) -> str | None:
    """Say how the words of a control contradict its contrast; None where they do not.

    Examples
    --------
    >>> contradiction("Qwen3-0.6B (vendor post-training, itself distilled)", "vendor-post-trained")
    'the control is itself distilled by its own words, so its contrast cannot be vendor-post-trained'
    """
    rule = read_control(words)
    if rule is None or Contrast(contrast) in rule.allows:
        return None
    return f"the control is {rule.says} by its own words, so its contrast cannot be {contrast}"


def counts_as_uplift(words: str | None, contrast: str) -> bool:
    """Tell whether a row answers "what did distillation add?": its control is not itself distilled."""
    return Contrast(contrast) in UPLIFT_CONTRASTS and (words is None or contradiction(words, contrast) is None)
