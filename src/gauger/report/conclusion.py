"""Words what a document concludes: the verdict's sentence, its grounds, and what would settle it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gauger.records import SetKind
from gauger.report.document_view import Row, View, defined
from gauger.report.wording import (
    ROLE_WORDS,
    codes,
    describe_change,
    estimand,
    fill,
    number,
    percent,
    probability,
    quantity,
    set_of,
    several,
    with_unit,
)

LEADS = {
    "major": "Distilling this teacher made a major difference.",
    "minor": "Distilling this teacher made a minor difference.",
    "undetermined": "This study does not settle whether distilling this teacher made a major difference.",
    "not_powered": "No verdict: this study could not have shown that its instrument fails, so it shows nothing.",
    "not_replicated": "No verdict: nothing was trained twice, so the noise of training is unknown.",
    "invalid": "No verdict: this study's instrument failed a check on itself.",
}
GROUNDS = {
    "major": "The whole interval lies above the threshold, hence major.",
    "minor": "The whole interval lies below the threshold, hence minor.",
    "not_powered": "A check decides nothing, hence not powered: the number below is not to be concluded from.",
    "not_replicated": "The interval below covers the choice of items alone; another seed would move it further.",
    "invalid": "The number stands below for completeness; nothing may be concluded from it.",
}
HOLDS = "The interval holds the threshold, hence undetermined."
CONSTANT = "No answer varied, hence undetermined: the interval is what so few items can hide."
UNDEFINED = "The number to be judged is undefined, hence undetermined."
NO_LEAD = "The denominator is not above zero, hence undetermined: there is no lead to recover a share of."
ADDED = (
    "The number of replicates was not fixed before results were seen, hence undetermined wherever the interval lies."
)
UNBOUNDED = "No bounded interval is left of the values that the answers allow, hence undetermined."

DEEDS = {
    "gap_recovered": (
        "Trained as <code>{arm}</code>, the student closed {value} of its remaining gap to the teacher on {where}"
    ),
    "uplift": "Trained as <code>{arm}</code>, the student scored {value} beyond matched training on {where}",
    "gain": "Trained as <code>{arm}</code>, the student scored {value} against its untouched base on {where}",
    "carryover": "Of its targeted uplift, <code>{arm}</code> carried {value} over to {where}",
}
OTHER_DEED = "For <code>{arm}</code>, {label} on {where} is {value}"


def sentence(verdict: Row) -> Markup:
    """Return the verdict in plain words: outcome, arm, number, interval, threshold."""
    rule, row = verdict["rule"], verdict.get("estimate")
    lead = fill("<strong>{lead}</strong> ", lead=LEADS[verdict["outcome"]])
    if row is None or row["value"] is None:
        reason = (row or {}).get("reason") or "no estimate was made"
        return lead + fill("The number to be judged is undefined: {reason}.", reason=reason)
    unit = estimand(rule["estimand"]).unit
    digits = 0 if unit == "percent" else 1
    return (
        lead
        + deed(rule, row)
        + fill("; <em>major</em> begins at {at}.", at=with_unit(rule["threshold"], unit, digits=digits))
    )


def deed(rule: Row, row: Row) -> Markup:
    """Return what the judged arm did, as a sentence without its full stop."""
    unit = estimand(rule["estimand"]).unit
    role = rule.get("role") or ""
    where = f"{role} benchmarks" if role in ROLE_WORDS else role or "its benchmarks"
    level = percent(row.get("level") or rule.get("level") or 0.95)
    value = f"{with_unit(row['value'], unit)} ({level} interval {set_of(row, unit)})"
    template = DEEDS.get(rule["estimand"], OTHER_DEED)
    label = estimand(rule["estimand"]).label
    return fill(template, arm=rule.get("arm") or row["arm"], value=value, where=where, label=label)


def lines(verdict: Row) -> Sequence[str]:
    """Return the sentences under the verdict: grounds, probability, what would settle it."""
    outcome = verdict["outcome"]
    sentences: list[str | Markup] = [_undetermined(verdict) if outcome == "undetermined" else GROUNDS[outcome]]
    if verdict.get("probability_major") is not None and outcome in ("major", "minor", "undetermined"):
        chance = probability(verdict["probability_major"])
        sentences.append(
            fill("Probability that the true value lies above the threshold: <strong>{p}</strong>.", p=chance)
        )
    if verdict.get("noise_ratio") is not None:
        text = (
            "The arm was trained once, and its training is taken to be twice as noisy as that of the replicated arms "
            "(standard deviation). If it were {ratio} times as noisy as theirs, the outcome would be undetermined."
        )
        sentences.append(fill(text, ratio=number(verdict["noise_ratio"])))
    return [*sentences, *settling(verdict)]


def _undetermined(verdict: Row) -> str:
    """Return the first cause in the order in which verdicts are decided (`estimate.verdict`)."""
    row = verdict.get("estimate") or {"value": None}
    if row["value"] is None:
        return UNDEFINED
    if row.get("se") is None:
        return CONSTANT
    if _has_no_lead(verdict, row):
        return NO_LEAD
    if verdict["rule"].get("stopping"):
        return ADDED
    return HOLDS if (row.get("kind") or SetKind.INTERVAL) == SetKind.INTERVAL else UNBOUNDED


def _has_no_lead(verdict: Row, row: Row) -> bool:
    """Tell whether a ratio's denominator is not above zero: an estimate that varies, and no probability of any side."""
    is_ratio = estimand(verdict["rule"]["estimand"]).unit == "percent"
    return is_ratio and row.get("se") is not None and verdict.get("probability_major") is None


def settling(verdict: Row) -> list[Markup]:
    """Say what would settle an open verdict, or why there is none; nothing where it is settled."""
    settled = verdict.get("settled_by")
    if not settled or verdict["rule"].get("stopping"):
        return []
    row = verdict.get("estimate") or {"value": None}
    more_helps = verdict["outcome"] == "undetermined" and row["value"] is not None and not _has_no_lead(verdict, row)
    label = "What would settle it" if more_helps else "Why"
    return [fill("<strong>{label}:</strong> {settled}", label=label, settled=settled)]


def without_rule(view: View) -> str | Markup:
    """Return the sentence of a document that has no verdict: what the headline arm scores beyond its control."""
    arm = view.headline_arm
    if arm is None:
        return "This document compares no distilled arm with a control; its scores are below."
    controls = dict.fromkeys(row["control"] for row in view.of("uplift", arm) if row["control"])
    if not controls:
        return fill("<code>{arm}</code> was measured; no control stands beside it.", arm=arm)
    changes = _told(view, arm)
    return fill("<code>{arm}</code> against {controls}: ", arm=arm, controls=codes(controls)) + f"{changes}."


def _told(view: View, arm: str) -> str:
    """Return the mean uplift on each role; where no mean was made, the range over benchmarks."""
    means = {role: view.headline("uplift", arm, role) for role in view.roles}
    changes = [
        f"{describe_change(row)} on {row.get('benchmark') or f'{role or len(view.in_role(role))} benchmarks'}"
        for role, row in means.items()
        if row is not None and row["value"] is not None
    ]
    values = [row["value"] for row in defined(view.of("uplift", arm)) if row.get("benchmark")]
    if changes or not values:
        return "; ".join(changes) or "no uplift could be computed"
    ends = quantity(min(values), "points"), with_unit(max(values), "points")
    return f"uplift on {several(len(values), 'benchmark')} ranges from {ends[0]} to {ends[1]}"
