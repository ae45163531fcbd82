"""Says the last word first: what the study concludes, with the number, its interval and the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from gauger.records import CheckOutcome
from gauger.report.blocks import Callout, Section
from gauger.report.document_view import Row, View, defined
from gauger.report.forest import describe_change
from gauger.report.parts.cards import cards
from gauger.report.parts.number_line import number_line
from gauger.report.wording import (
    ROLE_WORDS,
    codes,
    estimand,
    fill,
    listing,
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
SIGNS = {
    "major": "▲", "minor": "▽", "undetermined": "◇", "not_powered": "○", "not_replicated": "○", "invalid": "✕"
}  # fmt: skip
GROUNDS = {
    "major": "The whole interval lies above the threshold, hence major.",
    "minor": "The whole interval lies below the threshold, hence minor.",
    "undetermined": "The interval holds the threshold, hence undetermined.",
    "not_powered": "A check decides nothing, hence not powered: the number below is not to be concluded from.",
    "not_replicated": "The interval below covers the choice of items alone; another seed would move it further.",
    "invalid": "The number stands below for completeness; nothing may be concluded from it.",
}

DEEDS = {
    "gap_recovered": (
        "Trained as <code>{arm}</code>, the student closed {value} of its remaining gap to the teacher on {where}"
    ),
    "uplift": "Trained as <code>{arm}</code>, the student scored {value} beyond matched training on {where}",
    "gain": "Trained as <code>{arm}</code>, the student scored {value} against its untouched base on {where}",
    "carryover": "Of its targeted uplift, <code>{arm}</code> carried {value} over to {where}",
}
OTHER_DEED = "For <code>{arm}</code>, {label} on {where} is {value}"


def build(view: View) -> Section | None:
    """Return the verdict with the headline figures; without a verdict rule, the headline figures alone."""
    verdict = view.verdict
    boxes = cards(view)
    if verdict is None and not boxes:
        return None
    data: dict[str, Any] = {"cards": boxes, "notices": notices(view)}
    if verdict is None:
        data |= {"outcome": "plain", "sign": "", "stamp": "In short", "sentence": without_rule(view), "lines": ()}
        return Section("verdict", "In short", template="verdict.html.j2", data=data)
    rule, outcome = verdict["rule"], verdict["outcome"]
    stamp = f"Verdict: {outcome.replace('_', ' ')}" + (" · post hoc" if rule.get("post_hoc") else "")
    data |= {"outcome": outcome, "sign": SIGNS[outcome], "stamp": stamp}
    data |= {"sentence": sentence(verdict), "lines": [*lines(verdict), *anchor(view), *unchecked(view)]}
    figure = number_line(verdict)
    return Section("verdict", "Verdict", (), (figure,) if figure else (), template="verdict.html.j2", data=data)


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
    rule, outcome = verdict["rule"], verdict["outcome"]
    when = "The threshold and the rule were fixed before the run."
    if rule.get("post_hoc"):
        when = "What can move the verdict was changed after results were there; the warnings say what."
    role = rule.get("role") or ""
    meant = f"{role.capitalize()} means: {ROLE_WORDS[role]}." if role in ROLE_WORDS else ""
    found: list[str | Markup] = [" ".join(filter(None, [GROUNDS[outcome], when, meant]))]
    if verdict.get("probability_major") is not None and outcome in ("major", "minor", "undetermined"):
        chance = probability(verdict["probability_major"])
        found.append(fill("Probability that the true value lies above the threshold: <strong>{p}</strong>.", p=chance))
    if verdict.get("noise_ratio") is not None:
        text = (
            "The arm was trained once, and its training is taken to be twice as noisy as that of the replicated arms "
            "(standard deviation). If it were {ratio} times as noisy as theirs, the outcome would be undetermined."
        )
        found.append(fill(text, ratio=number(verdict["noise_ratio"])))
    settled = verdict.get("settled_by")
    if settled and not rule.get("stopping"):
        label = "What would settle it" if outcome == "undetermined" else "Why"
        found.append(fill("<strong>{label}:</strong> {settled}", label=label, settled=settled))
    return found


def anchor(view: View) -> Sequence[Markup]:
    """Say what holds the rule to what it was before the run; a comparison of logs has no run."""
    registered = view.study.get("registered")
    if not registered:
        return ()
    if registered.startswith("not "):
        return (fill("<strong>Registration:</strong> {said}.", said=registered),)
    text = (
        "<strong>Registration:</strong> held to <code>{digest}</code>; it counts if that digest was published before "
        "the run (<code>gauger verify --registered</code>)."
    )
    return (fill(text, digest=registered),)


def unchecked(view: View) -> Sequence[Markup]:
    """Say which checks of the instrument were not made, and why: a verdict without them rests on less."""
    rows = [row for row in view.rows("assay") if row["outcome"] == CheckOutcome.NOT_MADE]
    return [fill("<strong>Not checked, {name}:</strong> {why}", name=row["name"], why=row["detail"]) for row in rows]


def notices(view: View) -> Sequence[Callout]:
    """Return what must be known before any number is believed."""
    boxes = []
    if view.verdict and view.verdict["rule"].get("post_hoc"):
        text = (
            "The rule, or something else that can move the verdict, was changed after results were there. What is "
            "chosen with results in sight can be chosen to please: treat the outcome as exploratory, not as a test."
        )
        boxes.append(Callout("bad", "Post hoc verdict.", (text,)))
    if view.verdict and view.verdict["rule"].get("stopping"):
        boxes.append(Callout("bad", "The number of replicates was not fixed.", (view.verdict["rule"]["stopping"],)))
    failures = view.rows("failures")
    if failures:
        arms = listing(dict.fromkeys(row["arm"] for row in failures))
        text = f"{several(len(failures), 'job')} failed (in {arms}); chapter “What is missing” lists them."
        boxes.append(Callout("warn", "Not everything ran.", (text,)))
    if view.rows("warnings"):
        boxes.append(Callout("warn", "Warnings", view.rows("warnings")))  # type: ignore[arg-type]
    return boxes


def without_rule(view: View) -> str | Markup:
    """Return the sentence of a document that has no verdict: what the headline arm scores beyond its control."""
    arm = view.headline_arm
    if arm is None:
        return "This document compares no distilled arm with a control; its scores are below."
    controls = dict.fromkeys(row["control"] for row in view.of("uplift", arm) if row["control"])
    if not controls:
        return fill("<code>{arm}</code> was measured; no control stands beside it.", arm=arm)
    told = _told(view, arm)
    return fill("<code>{arm}</code> against {controls}: ", arm=arm, controls=codes(controls)) + f"{told}."


def _told(view: View, arm: str) -> str:
    """Return the mean uplift on each role; where no mean was made, the range over benchmarks."""
    means = {role: view.headline("uplift", arm, role) for role in view.roles}
    told = [
        f"{describe_change(row)} on {row.get('benchmark') or f'{role or len(view.in_role(role))} benchmarks'}"
        for role, row in means.items()
        if row is not None and row["value"] is not None
    ]
    values = [row["value"] for row in defined(view.of("uplift", arm)) if row.get("benchmark")]
    if told or not values:
        return "; ".join(told) or "no uplift could be computed"
    ends = quantity(min(values), "points"), with_unit(max(values), "points")
    return f"uplift on {several(len(values), 'benchmark')} ranges from {ends[0]} to {ends[1]}"
