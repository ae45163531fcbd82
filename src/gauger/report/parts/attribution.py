"""Shows where the raw gain comes from: learning the format, more training of any kind, and the teacher."""

from __future__ import annotations

from typing import Any

import altair as alt
from markupsafe import Markup

from gauger.records import ArmKind
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Key, Section
from gauger.report.document_view import Row, View, defined
from gauger.report.drawing import Chart, layered, upright_line
from gauger.report.forest import tooltip
from gauger.report.palette import BLUE, GOLD, INK, PAPER, SLATE
from gauger.report.tables import estimates_table
from gauger.report.wording import fill, interval, quantity, with_unit

CAPTION = (
    "Each bar takes the raw gain (arm minus untouched base, black diamond with its interval) apart into what learning "
    "the answer format alone gives, what more training without the teacher adds, and what is left for the teacher "
    "(the uplift). Parts right of zero add up, parts left of zero take away; all parts together give the diamond. A "
    "published gain is the diamond; the teacher's share is the blue part alone."
)

PARTS: dict[str, tuple[str, str]] = {
    "format_effect": ("format", GOLD),
    "training_effect": ("more training", SLATE),
    "both": ("format and more training, not told apart", SLATE),
    "uplift": ("teacher", BLUE),
}
ROW_HEIGHT = 34


def build(view: View) -> Section | None:
    """Return the chapter, or None where gain and uplift do not both stand in the document."""
    arms = {arm: bars for arm in view.distilled if (bars := _bars(view, arm))}
    if not arms:
        return None
    low = min(0.0, *(bar["start"] for bars in arms.values() for bar in bars), *_ends(view, arms, "low"))
    high = max(0.0, *(bar["end"] for bars in arms.values() for bar in bars), *_ends(view, arms, "high"))
    margin = 0.04 * (high - low)
    panels = [_panel(view, arm, bars, (low - margin, high + margin)) for arm, bars in arms.items()]
    names = dict.fromkeys(bar["part"] for bars in arms.values() for bar in bars)
    legend = [Key(label, "bar", colour) for label, colour in PARTS.values() if label in names]
    legend.append(Key("raw gain", "diamond", INK))
    rows = [row for arm in arms for name in ("gain", "uplift", "format_share") for row in view.of(name, arm)]
    rows += [row for row in view.estimates if row["estimand"] in ("format_effect", "training_effect")]
    table = estimates_table(rows, "The raw gain and its parts")
    title = "The raw gain taken apart, percentage points, mean over each role"
    finding = findings.raw_gain(view, lambda arm, role: parts_of(view, arm, role))
    figure = Figure("attribution", title, CAPTION, panels, table, legend, wide=len(panels) == 1, finding=finding)
    return Section("attribution", "Where the raw gain comes from", _lead(view), [figure], short="Raw gain taken apart")


def parts_of(view: View, arm: str, role: str | None) -> dict[str, float] | None:
    """Return the parts of an arm's gain over a role (0-1 scale), summing to the gain; None where it has none.

    Without a format arm its effect cannot be told from that of more training: both then stand together, as gain minus
    uplift.
    """
    gain, uplift, form, training = _four(view, arm, role)
    if len(list(defined([gain, uplift]))) < 2 or gain is None or uplift is None:
        return None
    if form is not None and training is not None and len(list(defined([form, training]))) == 2:
        return {"format_effect": form["value"], "training_effect": training["value"], "uplift": uplift["value"]}
    return {"both": gain["value"] - uplift["value"], "uplift": uplift["value"]}


def _four(view: View, arm: str, role: str | None) -> tuple[Row | None, ...]:
    """Return gain and uplift of the arm, the format arm's effect, and the effect of more training on its control."""
    formats = [name for name in view.arms_with("format_effect") if view.kinds.get(name) == ArmKind.FORMAT]
    owners = (arm, arm, formats[0] if formats else "", view.matched_of(arm) or "")
    names = ("gain", "uplift", "format_effect", "training_effect")
    return tuple(view.headline(name, owner, role) for name, owner in zip(names, owners, strict=True))


def _bars(view: View, arm: str) -> list[dict[str, Any]]:
    """Return the stretches to draw: positive parts go right from zero, negative ones left."""
    bars = []
    for role in view.roles:
        ends = {True: 0.0, False: 0.0}
        for name, value in (parts_of(view, arm, role) or {}).items():
            label, colour = PARTS[name]
            start = ends[value >= 0]
            ends[value >= 0] = start + 100 * value
            bars.append(
                {
                    "role": role or "all",
                    "part": label,
                    "colour": colour,
                    "start": min(start, ends[value >= 0]),
                    "end": max(start, ends[value >= 0]),
                    "what": f"{arm} · {role or 'all'} · {label}",
                    "is": with_unit(value, "points"),
                }
            )
    return bars


def _gains(view: View, arms: Any) -> list[Row]:
    return list(defined(view.headline("gain", arm, role) for arm in arms for role in view.roles))


def _ends(view: View, arms: Any, side: str) -> list[float]:
    return [100 * row[side] for row in _gains(view, arms) if row[side] is not None]


def _panel(view: View, arm: str, bars: list[dict[str, Any]], extent: tuple[float, float]) -> FigurePanel:
    roles = list(dict.fromkeys(bar["role"] for bar in bars))
    y = alt.Y("role:N", sort=None, scale=alt.Scale(domain=roles), axis=alt.Axis(title=None))
    x = alt.X("start:Q", title="percentage points over base", scale=alt.Scale(domain=list(extent), nice=False))
    tips = [alt.Tooltip("what:N", title="title"), alt.Tooltip("is:N", title="part")]
    data = alt.Chart()
    stack = data.mark_bar(height=16, opacity=1, stroke=PAPER, strokeWidth=1).encode(
        x=x, x2=alt.X2("end:Q"), y=y, fill=alt.Fill("colour:N", scale=None), tooltip=tips
    )
    layers = [layered([stack], rows=bars), upright_line(0.0), _totals(view, arm, y, extent)]
    chart = layered(layers, height=ROW_HEIGHT * len(roles))
    return FigurePanel(chart, arm, ROW_HEIGHT * len(roles) + 50, f"Parts of the raw gain of {arm}")


def _totals(view: View, arm: str, y: alt.Y, extent: tuple[float, float]) -> Chart:
    rows = [
        {
            "role": role or "all",
            "value": 100 * row["value"],
            "low": extent[0] if row["low"] is None else 100 * row["low"],
            "high": extent[1] if row["high"] is None else 100 * row["high"],
            "what": f"{arm} · {role or 'all'} · raw gain",
            "is": with_unit(row["value"], "points"),
            "between": interval(row["low"], row["high"], "points"),
            "shown": quantity(row["value"], "points"),
        }
        for role in view.roles
        for row in defined([view.headline("gain", arm, role)])
    ]
    base = alt.Chart().encode(y=y, tooltip=tooltip()[:3])
    layers = [
        base.mark_rule(color=INK, strokeWidth=1.6).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        base.mark_point(shape="diamond", size=75, filled=True, fill=INK, stroke=PAPER, strokeWidth=1, opacity=1).encode(
            x=alt.X("value:Q")
        ),
        base.mark_text(align="left", dx=8, fontWeight=600).encode(x=alt.value("width"), text=alt.Text("shown:N")),
    ]
    return layered(layers, rows=rows)


def _lead(view: View) -> list[str | Markup]:
    """Return one sentence on the headline arm, targeted and near."""
    arm = view.headline_arm
    sentences: list[str | Markup] = []
    for role in ("targeted", "near"):
        parts = parts_of(view, arm, role) if arm else None
        if parts:
            amounts = ", ".join(f"{PARTS[name][0]} {quantity(value, 'points')}" for name, value in parts.items())
            gain = with_unit(sum(parts.values()), "points")
            text = "<code>{arm}</code> gained {gain} on {role} benchmarks: {told}."
            sentences.append(fill(text, arm=arm, gain=gain, role=role, told=amounts))
    return sentences
