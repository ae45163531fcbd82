"""Draws the front of the evidence page: the answer in a sentence, one figure, claims, explorer, downloads."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from typing import Any

import altair as alt

from gauger.evidence import (
    CARRIED,
    GRADES,
    OPTIONS,
    RESULT_COLUMNS,
    ROLES,
    STUDY_COLUMNS,
    Claim,
    Evidence,
    Explorer,
    Pooled,
    bibtex,
    dictionary,
    explore,
    links,
    names,
    read_stored,
)
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Key, Section
from gauger.report.drawing import Chart, layered, upright_line
from gauger.report.evidence.figures import COLOURS, SHAPES
from gauger.report.evidence.findings import by_role
from gauger.report.palette import MUTED, TRACK
from gauger.report.wording import count, number

TERMS = (
    ("targeted", "benchmarks that the training data aims at"),
    ("fresh", "the same skill, but items newer than the training data or kept apart from it"),
    ("held-out", "another skill than the one that was trained"),
    ("general", "broad chat and instruction following"),
    ("points", "percentage points of the benchmark's score, distilled student minus control"),
    ("[low, high]", "95 % interval of the mean; a new result scatters far more"),
)
_WHERE = {
    "targeted": "on benchmarks the training aims at", "fresh": "on fresh items of the same skill",
    "held-out": "elsewhere",
}  # fmt: skip


def answer(evidence: Evidence) -> Section:
    """Say how much, and whether we can tell; with the one figure behind it."""
    claims = {claim.id: claim for claim in evidence.claims}
    return Section(
        "answer", "How much, and can we tell?", template="evidence/answer.html.j2",
        data={"sentence": sentence(evidence, claims), "more": evidence.headline.multiverse, "terms": TERMS},
        figures=[_figure(evidence)], short="The answer",
    )  # fmt: skip


def sentence(evidence: Evidence, claims: dict[str, Claim]) -> str:
    """Say in one sentence what the mean gains are, which of them can be told from zero, and how sure that is."""
    parts = []
    for role in CARRIED:
        pooled = evidence.headline.untouched[role]
        if pooled.estimate is None or pooled.low is None or pooled.high is None:
            parts.append(f"{_WHERE[role]} nobody can tell ({pooled.reason})")
        elif pooled.low > 0 or pooled.high < 0:
            parts.append(f"{pooled.estimate:+.1f} points [{pooled.low:.1f}, {pooled.high:.1f}] {_WHERE[role]}")
        else:
            ends = f"[{pooled.low:.1f}, {pooled.high:.1f}]"
            parts.append(f"{_WHERE[role]} a mean of {pooled.estimate:+.1f} {ends} that cannot be told from zero")
    grades = [claims[role].certainty for role in CARRIED if role in claims]
    certainty = f" The certainty is {max(grades, key=GRADES.index)} at best." if grades else ""
    return f"Over their untouched base, distilled students gain {parts[0]}, {parts[1]}, and {parts[2]}.{certainty}"


def _figure(evidence: Evidence) -> Figure:
    sides: list[tuple[str, str | None, Sequence[Pooled]]] = [
        ("over the untouched base", "untouched base", [evidence.headline.untouched[role] for role in CARRIED]),
        ("over all non-distilled", "all non-distilled", [evidence.headline.controls[role] for role in CARRIED]),
        ("over no-teacher training", None, [evidence.headline.matched[role] for role in CARRIED]),
        ("over RL instead", None, [evidence.contrasts["rl-instead"][role] for role in CARRIED]),
    ]
    chart, rows = _answer_chart(evidence, sides)
    return Figure(
        "answer", "Mean gain by kind of benchmark and control, and the multiverse behind it",
        "The mark is the pooled mean with its 95 % interval. The grey bar behind it spans the means of all defensible "
        "analyses of that control, its tick their median. A missing mark cannot be told: fewer than two studies.",
        [FigurePanel(chart, "", 330, "Mean gain by role and control", labelled=False)],
        HtmlTable(("Benchmarks", "Control", "Points (95 %)", "Multiverse: median (range)", "Studies"), rows,
              numeric=frozenset({2, 3, 4})),
        [*(Key(role, SHAPES[role], COLOURS[role]) for role in CARRIED), Key("multiverse", "bar", TRACK)],
        finding=by_role([evidence.headline.untouched[role] for role in CARRIED], "the untouched base"),
    )  # fmt: skip


def _answer_chart(
    evidence: Evidence, sides: list[tuple[str, str | None, Sequence[Pooled]]]
) -> tuple[Chart, list[Sequence[str]]]:
    document = read_stored(evidence.frame)
    control = next((s for s in document["switches"] if s["switch"] == "control"), None) if document else None
    marks: list[dict[str, Any]] = []
    table: list[Sequence[str]] = []
    for place, role in enumerate(CARRIED):
        for heading, option, pooled in sides:
            mean = pooled[place]
            many = control["roles"][role]["options"].get(option) if control and option else None
            line = f"{role}, {heading}"
            marks.append({
                "line": line, "role": role, "colour": COLOURS[role], "shape": SHAPES[role], "estimate": mean.estimate,
                "low": mean.low, "high": mean.high, "from": many and many["low"], "to": many and many["high"],
                "median": many and many["median"],
            })  # fmt: skip
            shown = "cannot be told"
            if mean.estimate is not None and mean.low is not None and mean.high is not None:
                shown = f"{number(mean.estimate, signed=True)} ({number(mean.low)} to {number(mean.high)})"
            among = "–"
            if many:
                among = f"{number(many['median'], signed=True)} ({number(many['low'])} to {number(many['high'])})"
            table.append([role, heading, shown, among, str(mean.n_studies)])
    y = alt.Y("line:N", sort=[mark["line"] for mark in marks], title=None, axis=alt.Axis(labelLimit=230))
    clip = alt.Scale(domain=[-15, 35], clamp=True)
    base = alt.Chart().encode(y=y)
    chart = layered(
        [
            base.mark_bar(color=TRACK, height=14).encode(x=alt.X("from:Q", scale=clip, title="points"), x2="to:Q"),
            base.mark_tick(color=MUTED, height=14, thickness=2).encode(x=alt.X("median:Q", scale=clip)),
            base.mark_rule(strokeWidth=2.5).encode(
                x=alt.X("low:Q", scale=clip), x2="high:Q", color=alt.Color("colour:N", scale=None)
            ),
            base.mark_point(filled=True, size=70, opacity=1).encode(
                x=alt.X("estimate:Q", scale=clip), fill=alt.Fill("colour:N", scale=None),
                shape=alt.Shape("shape:N", scale=None), tooltip=["line:N", "estimate:Q", "low:Q", "high:Q", "median:Q"],
            ),
            upright_line(0.0),
        ],
        rows=marks, height=280,
    )  # fmt: skip
    return chart, table


def claim_section(evidence: Evidence) -> Section:
    """Every claim with its badge."""
    lead = [
        "Each sentence is worded from its numbers by rules; its certainty follows GRADE's five domains, by stated "
        "thresholds. Certainty is about the mean: new results scatter far more."
    ]
    claims = [claim.to_dict() for claim in evidence.claims]
    return Section("claims", f"{_words(len(claims))} claims", lead, template="evidence/claims.html.j2",
                   data={"claims": claims}, short="Claims")  # fmt: skip


def _words(n: int) -> str:
    return {5: "Five", 6: "Six", 7: "Seven", 8: "Eight", 9: "Nine", 10: "Ten"}.get(n, str(n))


def explorer_section(evidence: Evidence) -> Section:
    """The explorer: restrictions in, means and forest out."""
    lead = [
        "Choose which studies to believe: means and study lines change at once, without a network. Means are fitted in "
        "advance for every combination (162 fits of the headline model, errors by study); study lines are computed in "
        "the page. A star marks fewer than four degrees of freedom."
    ]
    data = {
        "explorer": explorer_data(explore(evidence.frame)),
        "options": [(name, list(options)) for name, options in OPTIONS.items()],
    }
    return Section("explorer", "Explore it yourself", lead, template="evidence/explorer.html.j2", data=data,
                   short="Explorer")  # fmt: skip


def explorer_data(explorer: Explorer) -> dict[str, Any]:
    """Pack the explorer for the page: columns of rows, flags as bits, means by the positions of the options."""
    frame = explorer.frame
    named, linked = names(frame), links(frame)
    order = list(named)
    at = {study: place for place, study in enumerate(order)}
    roles = [str(role) for role in ROLES]

    def rounded(column: str, digits: int) -> list[float]:
        return [round(float(value), digits) for value in frame[column].to_list()]

    flags = [
        [sum(bit << place for place, bit in enumerate(bits)) for bits in
         frame.select([f"{name}:{place}" for place in range(len(options))]).iter_rows()]
        for name, options in OPTIONS.items()
    ]  # fmt: skip

    def plain(value: float | None) -> float | None:
        return None if value is None else round(value, 3)

    means = {
        "".join(map(str, chosen)): [
            [m.rows, m.studies, plain(m.estimate), plain(m.low), plain(m.high), plain(m.prediction_low),
             plain(m.prediction_high), round(m.row_variance, 3), int(m.few)]
            for m in (by_role[role] for role in roles)
        ]
        for chosen, by_role in explorer.means.items()
    }  # fmt: skip
    return {
        "roles": roles, "names": [named[study] for study in order],
        "links": [linked[study] for study in order], "means": means,
        "rows": {
            "study": [at[study] for study in frame["study_id"].to_list()],
            "role": [roles.index(role) for role in frame["benchmark_role"].to_list()],
            "effect": rounded("effect", 3), "variance": rounded("variance", 4),
            "control": rounded("control_variance", 4), "shared": frame["shared"].to_list(), "flags": flags,
        },
    }  # fmt: skip


def downloads(evidence: Evidence) -> Section:
    """The table, packed in the page, and everything that goes with it."""
    frame = evidence.frame
    studies = evidence.studies.select(list(STUDY_COLUMNS))
    files = {
        "results.csv": frame.select([*RESULT_COLUMNS, "exclusion"]).write_csv(),
        "studies.csv": studies.write_csv(),
        "data_dictionary.csv": dictionary(),
        "references.bib": bibtex(frame),
    }
    labels = {
        "results.csv": f"Table ({count(len(frame))} rows, CSV)", "studies.csv": "Studies (CSV)",
        "data_dictionary.csv": "Data dictionary (CSV)", "references.bib": "References (BibTeX)",
    }  # fmt: skip
    shown = (
        "Study", "Student", "Control", "Contrast", "Benchmark", "Role", "Control's score", "Student's score", "Items",
        "Why it is not pooled",
    )  # fmt: skip
    data = {
        "files": list(labels.items()), "columns": shown,
        "packed": [(name, packed(text)) for name, text in files.items()],
    }  # fmt: skip
    lead = [
        "Figures save as SVG and PNG by the buttons under them. The command gauger evidence export writes all of it as "
        "one archive ready for a DOI."
    ]
    return Section("rows", "The table and its references", lead, template="evidence/downloads.html.j2", data=data,
                   short="Downloads")  # fmt: skip


def packed(text: str) -> str:
    """Return a text as base64 of its gzip, the same bytes for the same text."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")
