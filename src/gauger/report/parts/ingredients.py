"""Shows what each ingredient of a pipeline added, and which share of the whole is the teacher's."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import View, defined
from gauger.report.parts.interactions import matrix_figure
from gauger.report.parts.waterfall import role_shown, teachers, totals_of, waterfall_figure
from gauger.report.tables import matrix_cell
from gauger.report.wording import fill, listing, set_of, with_unit


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document holds no Shapley values of ingredients."""
    names = list(dict.fromkeys(row["arm"] for row in view.estimates if row["estimand"] == "shapley"))
    if not names:
        return None
    figures = [figure for figure in (waterfall_figure(view, names), matrix_figure(view, names)) if figure is not None]
    return Section(
        "ingredients",
        "What each ingredient added",
        _lead(view),
        figures,
        summary=_summary(view, names),
        short="Ingredients",
    )


def _summary(view: View, names: Sequence[str]) -> HtmlTable:
    """Return ingredients against what the usual tables would credit them with, on the judged role or the first."""
    role = _headline_role(view)
    mine, kinds = teachers(view), ("step_gain", "ablation_loss", "shapley")
    rows = [
        [
            TableCell(name, kind="code", title="the teacher's" if name in mine else ""),
            *(matrix_cell(view.headline(kind, name, role)) for kind in kinds),
        ]
        for name in names
    ]
    columns = ("Ingredient", "Added in order", "Lost if left out", "Shapley value")
    caption = f"Credit for each ingredient on {role or 'all'} benchmarks, percentage points (interval)"
    return HtmlTable(columns, rows, caption, numeric=frozenset({1, 2, 3}))


def _headline_role(view: View) -> str | None:
    """Return the role that the verdict judges, where the ingredients were measured there, else the first."""
    judged = view.verdict["rule"].get("role") if view.verdict else None
    return judged if judged in view.roles else next(iter(view.roles), None)


def _lead(view: View) -> list[str | Markup]:
    """Say, on the headline role, what the whole pipeline gained and which share of it is the teacher's."""
    role = _headline_role(view)
    totals = {role_shown(view, row): row for row in totals_of(view)}
    if role not in totals:
        return []
    total = totals[role]
    text = "All ingredients together gained {gain} ({between}) on {role} benchmarks."
    gain, between = with_unit(total["value"], "points"), set_of(total, "points")
    sentences: list[str | Markup] = [fill(text, gain=gain, between=between, role=role or "all")]
    mine = teachers(view)
    share = view.headline("teacher_share", "+".join(mine), role) if mine else None
    if share is not None and share["value"] is not None:
        template = "{share} of it ({between}) is due to the teacher: to {names}. {others}"
        values = {
            "share": with_unit(share["value"], "percent"),
            "between": set_of(share, "percent"),
            "names": listing(mine),
            "others": _overstated(view, role, mine),
        }
        sentences.append(fill(template, **values))
    return sentences


def _overstated(view: View, role: str | None, mine: Sequence[str]) -> str:
    """Say what the two usual tables would have credited the teacher with."""
    kinds = {"step_gain": "adding one ingredient after the other", "ablation_loss": "leaving one out"}
    phrases = []
    for kind, words in kinds.items():
        rows = [view.headline(kind, name, role) for name in mine]
        values = [row["value"] for row in defined(rows)]
        if len(values) == len(mine):
            phrases.append(f"{words} would credit it with {with_unit(sum(values), 'points')}")
    return (listing(phrases) + ".").capitalize() if phrases else ""
