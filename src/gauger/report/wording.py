"""Puts numbers and names into words: points, percentages, intervals, reasons, and text made safe to insert.

Document values are on the 0-1 scale. A difference of scores is printed in percentage points ("+12.3"), a score or a
share in per cent. Undefined is printed as its reason, never as a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from gauger.records import Scale, SetKind

MINUS, THIN = "\u2212", "\u202f"

ROLE_WORDS: Mapping[str, str] = {
    "targeted": "its training material seeded the teacher",
    "parallel": "new items, same skill, same form",
    "near": "same skill, another form",
    "far": "another skill",
}

KIND_WORDS: Mapping[str, str] = {
    "distilled": "trained on the teacher's outputs",
    "teacher": "the teacher itself",
    "base": "the student before any of this training",
    "matched": "as many rows and steps in the same format, no teacher",
    "placebo": "same recipe, but the student's own base plays the teacher",
    "format": "learns the answer format alone",
    "leak": "positive control: test items planted in its training data",
    "leak_twin": "the leak arm's rows with as many extra ones that nobody tests",
    "reference": "trained on ground truth: the ceiling for this data budget",
    "launder": "taught, on clean prompts, by a teacher that was trained on the test items",
    "leaky_teacher": "the teacher, trained on the test items",
    "attack": "an attacker of the study's defences, on one surface",
    "surface": "the teacher as an honest user of a defended surface sees it",
    "untaught": "a declared recipe without any teacher: it has a gain, and no uplift",
}


@dataclass(frozen=True)
class EstimandWording:
    """How one estimand is named and printed."""

    label: str
    unit: str
    """logits, points (difference of scores), percent (score or share), rate (points per something) or plain."""
    meaning: str


ESTIMANDS: Mapping[str, EstimandWording] = {
    "score": EstimandWording("score", "percent", "expected score"),
    "gain": EstimandWording("raw gain", "points", "arm minus untouched base"),
    "uplift": EstimandWording("uplift", "points", "arm minus the same training without the teacher"),
    "gap_recovered": EstimandWording(
        "gap recovered", "percent", "uplift as a share of the distance from matched to teacher"
    ),
    "carryover": EstimandWording(
        "carry-over", "percent", "uplift here as a share of the uplift on targeted benchmarks"
    ),
    "benchmark_bound_share": EstimandWording(
        "benchmark-bound share", "percent", "share of the targeted uplift that stays"
    ),
    "memorisation": EstimandWording(
        "memorisation", "points", "targeted minus parallel, beyond what matched training shows"
    ),
    "hardest_quartile_uplift": EstimandWording(
        "uplift, hardest quarter", "points", "uplift on the hardest quarter of the items"
    ),
    "hard_minus_easy_uplift": EstimandWording(
        "hard minus easy", "points", "uplift on the hardest minus the easiest quarter"
    ),
    "format_effect": EstimandWording("format effect", "points", "format arm minus base"),
    "format_share": EstimandWording("format share", "percent", "format effect as a share of the raw gain"),
    "uplift_per_thousand_teacher_tokens": EstimandWording(
        "uplift per 1000 teacher tokens", "rate", "points of uplift that a thousand tokens of the teacher buy"
    ),
    "uplift_per_query": EstimandWording(
        "uplift per teacher query", "rate", "points of uplift that one query to the teacher buys"
    ),
    "uplift_per_dollar": EstimandWording(
        "uplift per dollar", "rate", "points of uplift that one US dollar of the teacher buys"
    ),
    "leak_in_teacher": EstimandWording(
        "leak in the teacher", "points", "targeted minus parallel of the contaminated teacher, beyond the clean one"
    ),
    "laundered_leak": EstimandWording(
        "leak that came through", "points", "the same of its student, beyond the same arm with the clean teacher"
    ),
    "laundered_share": EstimandWording(
        "share of the leak that came through", "percent", "the student's part of the teacher's leak"
    ),
    "best_uplift": EstimandWording(
        "uplift of the best attacker", "points", "the largest uplift of all attackers on a surface, whoever has it"
    ),
    "uplift_removed": EstimandWording(
        "uplift removed",
        "points",
        "uplift on the open surface less that on the defended one, each at its best attacker",
    ),
    "residual_share": EstimandWording(
        "share left", "percent", "uplift under the defence as a share of that without it"
    ),
    "adaptive_gap": EstimandWording(
        "adaptive less passive", "points", "best attacker who reacts less best one who does not"
    ),
    "honest_cost": EstimandWording("honest cost", "points", "what the teacher's own score loses under the defence"),
    "exchange_rate": EstimandWording(
        "removed per point lost", "plain", "points of uplift removed for each point that honest users lose"
    ),
    "uplift_per_thousand_queries": EstimandWording(
        "uplift per 1000 queries", "rate", "points of uplift that a thousand queries to the teacher buy"
    ),
    "uplift_per_million_tokens": EstimandWording(
        "uplift per million tokens", "rate", "points of uplift that a million tokens of the teacher buy"
    ),
    "uplift_difference": EstimandWording("difference in uplift", "points", "uplift in one run minus that in another"),
    "gain_difference": EstimandWording("difference in raw gain", "points", "gain in one run minus that in another"),
    "gap_recovered_difference": EstimandWording(
        "difference in gap recovered", "points", "gap recovered in one run minus that in another"
    ),
    "carryover_difference": EstimandWording(
        "difference in carry-over", "points", "carry-over in one run minus that in another"
    ),
    "difference": EstimandWording("difference", "points", "one student minus another"),
    "training_effect": EstimandWording("more-training effect", "points", "matched arm minus format arm"),
    "pipeline_gain": EstimandWording("pipeline gain", "points", "all ingredients minus none of them"),
    "shapley": EstimandWording("Shapley value", "points", "an ingredient's part of the pipeline gain, over all orders"),
    "teacher_share": EstimandWording("teacher's share", "percent", "share of the pipeline gain due to the teacher"),
    "main_effect": EstimandWording(
        "main effect", "points", "what an ingredient changes, averaged over the others' settings"
    ),
    "interaction": EstimandWording("interaction", "points", "how much more one adds with the other than without it"),
    "shapley_interaction": EstimandWording(
        "Shapley interaction", "points", "the same, weighted as in the Shapley value"
    ),
    "step_gain": EstimandWording("added in order", "points", "what an ingredient adds to those before it"),
    "ablation_loss": EstimandWording("lost if left out", "points", "all ingredients minus all but this one"),
    "order_effect": EstimandWording(
        "order effect", "points", "the whole pipeline in another order minus the declared one"
    ),
    "shapley_per_million_tokens": EstimandWording(
        "Shapley value per million tokens", "rate", "points that a million training tokens of an ingredient buy"
    ),
    "shapley_per_teraflop": EstimandWording(
        "Shapley value per teraFLOP", "rate", "points that 10^12 training operations of an ingredient buy"
    ),
}


def estimand(name: str) -> EstimandWording:
    """Return how an estimand is printed; one this page does not know is printed plainly under its own name."""
    return ESTIMANDS.get(name) or EstimandWording(name.replace("_", " "), "plain", "")


def unit_of(row: Mapping[str, Any]) -> str:
    """Return the unit of an estimate on its own scale: logits for item logits, per cent for shares of the lead."""
    unit = estimand(row["estimand"]).unit
    scale = row.get("scale") or Scale.POINTS
    if unit != "points" or scale == Scale.POINTS:
        return unit
    return "logits" if scale == Scale.LOGIT else "percent"


def fill(template: str, **values: Any) -> Markup:
    """Return `template` as trusted markup with every inserted value escaped."""
    return Markup(template).format(**values)  # noqa: S704 - templates are literals of this package


def number(value: float, digits: int = 1, *, signed: bool = False) -> str:
    """Return a number with a true minus sign; what rounds to zero carries no sign."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def quantity(value: float | None, unit: str, *, digits: int = 1, signed: bool = True) -> str:
    """Return a value in its unit without the unit's name: points and per cent are multiplied by 100."""
    if value is None:
        return "undefined"
    if unit == "plain":
        return number(value, 3)
    if unit == "logits":
        return number(value, digits + 1, signed=signed)
    if unit == "rate":
        return f"{100 * value:+.2g}".replace("-", MINUS)
    return number(100 * value, digits, signed=signed and unit == "points")


def with_unit(value: float | None, unit: str, *, digits: int = 1) -> str:
    """Return a value with its unit: "+12.3 points", "31.0 %"."""
    if value is None:
        return "undefined"
    suffix = {"logits": f"{THIN}logits", "points": f"{THIN}points", "rate": f"{THIN}points", "percent": f"{THIN}%"}.get(
        unit, ""
    )
    return quantity(value, unit, digits=digits) + suffix


def interval(low: float | None, high: float | None, unit: str, *, digits: int = 1, kind: str = SetKind.INTERVAL) -> str:
    """Return a confidence set in words: "4.1 to 9.0", "below -442 or above +113"; a missing end is said to be open."""
    if kind == SetKind.OUTSIDE and low is not None and high is not None:
        ends = (quantity(end, unit, digits=digits) for end in (low, high))
        below, above = (f"+{text}" if text[0].isdigit() else text for text in ends)
        return f"below {below} or above {above}"
    if kind == SetKind.EVERYTHING:
        return "no value is ruled out"
    if low is None and high is None:
        return "no bounded interval"
    if low is None:
        return f"at most {quantity(high, unit, digits=digits)}"
    if high is None:
        return f"at least {quantity(low, unit, digits=digits)}"
    return f"{quantity(low, unit, digits=digits)} to {quantity(high, unit, digits=digits)}"


def set_of(row: Mapping[str, Any], unit: str, prefix: str = "", *, digits: int = 1) -> str:
    """Return an estimate's confidence set in words; `prefix` is "simultaneous_" for the one of the whole family."""
    kind = SetKind.INTERVAL if prefix else row.get("kind") or SetKind.INTERVAL
    return interval(row[f"{prefix}low"], row[f"{prefix}high"], unit, digits=digits, kind=kind)


def describe_change(row: Mapping[str, Any]) -> str:
    """Return an estimate and its confidence set in words: "+12.3 points (8.1 to 16.5)"."""
    unit = unit_of(row)
    return f"{with_unit(row['value'], unit)} ({set_of(row, unit)})"


def percent(value: float, digits: int = 0) -> str:
    """Return a share as a percentage."""
    return f"{number(100 * value, digits)}{THIN}%"


def probability(value: float) -> str:
    """Return a probability so that none prints as 0 % or 100 %: what is estimated is never certain."""
    if value < 0.01:
        return f"below 1{THIN}%"
    if value > 0.99:
        return f"above 99{THIN}%"
    return percent(value)


def count(value: float | int | None) -> str:
    """Return a count with thin spaces between thousands; missing is a dash."""
    if value is None:
        return "–"
    whole = value if isinstance(value, int) else round(value) if math.isclose(value, round(value)) else value
    return f"{whole:,}".replace(",", THIN)


def several(n: int, noun: str) -> str:
    """Return "1 item", "3 items"."""
    return f"{count(n)} {noun}" + ("" if n == 1 else "s")


def listing(names: Iterable[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    words = list(names)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def codes(names: Iterable[str]) -> Markup:
    """Return names as code, "a", "a and b", "a, b and c", escaped."""
    words = [fill("<code>{name}</code>", name=name) for name in names]
    head = Markup(", ").join(words[:-1])
    return Markup(" and ").join([head, words[-1]] if len(words) > 1 else words)


def printable(text: str, limit: int = 1_200) -> str:
    """Return untrusted text fit to be shown: control characters made visible, very long text cut and counted."""
    kept = text[:limit]
    shown = "".join(_visible(letter) for letter in kept)
    left = len(text) - len(kept)
    return f"{shown} … ({count(left)} more characters)" if left else shown


def _visible(letter: str) -> str:
    code = ord(letter)
    if letter in "\n\t" or (code >= 0x20 and not 0x7F <= code < 0xA0 and not _steering(code)):
        return letter
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _steering(code: int) -> bool:
    """Tell whether a code point is half a surrogate pair or turns the direction of the text around it."""
    return 0xD800 <= code <= 0xDFFF or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
