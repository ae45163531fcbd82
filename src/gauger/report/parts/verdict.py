"""Says the last word first: what the study concludes, with the number, its interval and the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from gauger.records import CheckOutcome
from gauger.report.blocks import Callout, Section
from gauger.report.conclusion import lines, sentence, without_rule
from gauger.report.document_view import View
from gauger.report.first_screen import about
from gauger.report.parts.cards import cards
from gauger.report.parts.number_line import number_line
from gauger.report.wording import fill, listing, several

SIGNS = {
    "major": "▲", "minor": "▽", "undetermined": "◇", "not_powered": "○", "not_replicated": "○", "invalid": "✕"
}  # fmt: skip


def build(view: View) -> Section | None:
    """Return the verdict with the headline figures; without a verdict rule, the headline figures alone."""
    verdict = view.verdict
    boxes = cards(view)
    if verdict is None and not boxes:
        return None
    data: dict[str, Any] = {"cards": boxes, "notices": notices(view)}
    if verdict is None:
        data |= {
            "outcome": "plain",
            "sign": "",
            "stamp": "In short",
            "sentence": without_rule(view),
            "lines": about(view),
        }
        return Section("verdict", "In short", template="verdict.html.j2", data=data)
    rule, outcome = verdict["rule"], verdict["outcome"]
    stamp = f"Verdict: {outcome.replace('_', ' ')}" + (" · post hoc" if rule.get("post_hoc") else "")
    data |= {"outcome": outcome, "sign": SIGNS[outcome], "stamp": stamp}
    data |= {"sentence": sentence(verdict), "lines": [*about(view), *lines(verdict), *anchor(view), *unchecked(view)]}
    figure = number_line(verdict)
    return Section("verdict", "Verdict", (), (figure,) if figure else (), template="verdict.html.j2", data=data)


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
