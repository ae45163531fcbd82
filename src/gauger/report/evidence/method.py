"""Shows how the review was made: flow of rows, agreement of coders, what each release moved."""

from __future__ import annotations

from gauger.evidence import Evidence, Released, agreement, flow, read_releases
from gauger.report.blocks import HtmlTable, Section
from gauger.report.wording import count, number


def method(evidence: Evidence) -> Section:
    """What reviewers ask for: flow of rows, agreement of coders, releases, protocol."""
    chart = flow(evidence.frame)
    rows = [[step.reason, count(step.rows), str(step.studies), count(step.rows_left), str(step.studies_left)]
            for step in chart.steps]  # fmt: skip
    steps = HtmlTable(
        ("Why rows stay out, in the order of the rules", "Rows out", "Studies", "Rows left", "Studies left"), rows,
        f"{count(chart.rows_found)} rows of {chart.studies_found} studies found, {count(chart.rows_pooled)} of "
        f"{chart.studies_pooled} pooled", numeric=frozenset({1, 2, 3, 4}),
    )  # fmt: skip
    lines = [
        [release.version, release.date, str(release.studies), release.claim, _released(release), release.certainty]
        for release in read_releases()
    ]
    moved = HtmlTable(("Release", "Date", "Studies", "Claim", "Points (95 %)", "Certainty"), lines,
                  "How each release moved each claim, by today's rules", frozenset({2, 4}), folded=True)  # fmt: skip
    return Section(
        "method", "How the review was made", [agreement(evidence.frame).text()], tables=[steps, moved], short="Method"
    )


def _released(release: Released) -> str:
    if release.effect is None or release.low is None or release.high is None:
        return "–"
    return f"{number(release.effect, signed=True)} ({number(release.low)} to {number(release.high)})"
