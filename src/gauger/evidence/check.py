"""Checks whether the published tables agree with themselves (`gauger evidence check`); each finding names its row.

A finding is not a verdict. A score that is not a multiple of 1/n may be a mean over several runs, a wrong `n_items` in
this table, or a slip of the source; the text says which of these the figures allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl

from gauger.evidence.control import contradiction


class FindingKind(StrEnum):
    """What was found."""

    CONTROL = "the control contradicts its contrast"
    TWO_ROLES = "one thing, two roles"
    ROLE_RULE = "a role that the coding rules forbid"
    SHARES = "shares, not percent"
    TWO_FLAGS = "one control, two flags of handicap"
    GRANULARITY = "not a multiple of 1/n"
    LOOSE_BELOW_STRICT = "loose below strict"
    ABOVE_TEACHER = "student above its teacher"
    DUPLICATE = "duplicated cells"
    TWO_CONTROLS = "one control, several scores"
    SIZE_CONFLICT = "one benchmark, several sizes"


ERRORS = frozenset(
    {FindingKind.CONTROL, FindingKind.TWO_ROLES, FindingKind.ROLE_RULE, FindingKind.SHARES, FindingKind.TWO_FLAGS}
)
"""Contradictions of the table with its own coding rules: to be corrected, while the other findings are questions."""


@dataclass(frozen=True)
class Finding:
    """One inconsistency, with the row it stands on."""

    kind: FindingKind
    row: int
    """Line in results.csv."""
    study_id: str
    text: str
    """What was found, in one sentence, with the figures."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {"kind": str(self.kind), "row": self.row, "study_id": self.study_id, "text": self.text,
                "error": self.kind in ERRORS}  # fmt: skip


MAX_RUNS = 64
_MEAN = (
    r"(?i)\bavg|average|mean|\b\d+ (?:samples|runs|seeds)|5-run|F1|score|judge|win rate|Elo|mc2|recall|precision"
    r"|partial-credit"
)
"""Metrics and notes that speak of means or of graded answers: the granularity test says nothing about those."""


def check_table(frame: pl.DataFrame) -> list[Finding]:
    """Run every check.

    Parameters
    ----------
    frame : DataFrame
        The rows of `clean.prepare` (all of them, excluded rows too).

    Returns
    -------
    list of Finding
        By kind, then by row.
    """
    checks: tuple[Callable[[pl.DataFrame], Iterator[Finding]], ...] = (
        controls, two_roles, role_rules, shares, two_flags, granularity, loose_below_strict, above_teacher, duplicates,
        two_controls, size_conflicts,
    )  # fmt: skip
    return [finding for check in checks for finding in sorted(check(frame), key=lambda finding: finding.row)]


def controls(frame: pl.DataFrame) -> Iterator[Finding]:
    """Controls whose words say that they are distilled, the teacher, another stage ... against their contrast."""
    for row, study, words, contrast in frame.select("row", "study_id", "control_arm", "contrast").iter_rows():
        conflict = contradiction(words, contrast) if words else None
        if conflict:
            yield Finding(FindingKind.CONTROL, row, study, f'{conflict} ("{words}")')


def two_roles(frame: pl.DataFrame) -> Iterator[Finding]:
    """One distilled model on one benchmark has one role, in whichever study it stands: the training data decide it."""
    rows = frame.filter(pl.col("score_scale") == "percent").sort("row")
    for group in rows.filter(pl.col("benchmark_role").n_unique().over("model", "bench") > 1).partition_by(
        "model", "bench", maintain_order=True
    ):
        first = group.row(0, named=True)
        other = group.filter(pl.col("benchmark_role") != first["benchmark_role"]).row(0, named=True)
        text = (
            f"{other['arm']} on {other['benchmark']} is {other['benchmark_role']} here and {first['benchmark_role']} "
            f"in row {first['row']} ({first['study_id']}): the rules in docs/evidence.md decide, the other value is "
            "benchmark_role_alt"
        )
        yield Finding(FindingKind.TWO_ROLES, other["row"], other["study_id"], text)


FORBIDDEN_ROLES = (
    (r"(?i)^MMLU(-Pro)?\b", "general", "knowledge tests are never general"),
    (r"(?i)^Terminal-Bench", "fresh", "targeted after container tasks, held-out after repository repair"),
)  # fmt: skip
"""Benchmark, role that it never has, and the rule."""


def role_rules(frame: pl.DataFrame) -> Iterator[Finding]:
    """Roles that the written coding rules forbid for a benchmark."""
    for words, role, rule in FORBIDDEN_ROLES:
        wrong = frame.filter(pl.col("benchmark").str.contains(words) & (pl.col("benchmark_role") == role))
        for row, study, bench in wrong.select("row", "study_id", "benchmark").iter_rows():
            yield Finding(FindingKind.ROLE_RULE, row, study, f"{bench} is {role}: {rule}")


def shares(frame: pl.DataFrame) -> Iterator[Finding]:
    """Studies all of whose percent scores lie between 0 and 1: these look like shares."""
    rows = frame.filter(pl.col("score_scale") == "percent")
    largest = rows.group_by("study_id", maintain_order=True).agg(
        pl.col("row").first(), pl.len(),
        top=pl.max_horizontal(pl.col("score_control").max(), pl.col("score_distilled").max()),
    )  # fmt: skip
    for study, row, n, top in largest.filter((pl.col("top") <= 1) & (pl.col("top") > 0)).iter_rows():
        lines = "1 row" if n == 1 else f"{n} rows"
        text = f"these look like shares, not percent: no score of {lines} is above {top:g}; multiply by 100?"
        yield Finding(FindingKind.SHARES, row, study, text)


def two_flags(frame: pl.DataFrame) -> Iterator[Finding]:
    """One control score of one study flagged as handicapped in one row and not in another."""
    flagged = frame.filter(pl.col("control_handicapped").is_not_null() & pl.col("score_control").is_not_null())
    for group in flagged.partition_by("cell_control", maintain_order=True):
        if group["control_handicapped"].n_unique() > 1:
            first = group.row(0, named=True)
            other = group.filter(pl.col("control_handicapped") != first["control_handicapped"]).row(0, named=True)
            text = (
                f"{first['control_arm']} on {first['benchmark']} is {first['control_handicapped']} in row "
                f"{first['row']} and {other['control_handicapped']} here"
            )
            yield Finding(FindingKind.TWO_FLAGS, other["row"], other["study_id"], text)


def nearest_multiple(score: float, n_items: int, decimals: int) -> float | None:
    """Return the multiple of 100/n that `score` can be a rounding (or truncation) of; None where there is none.

    The granularity test of Brown & Heathers (2017): a mean of n zeros and ones is k/n. A score printed with d decimals
    is consistent when some k lies within half a unit of the last decimal, or up to one unit above it (truncation).

    Parameters
    ----------
    score : float
        Percent.
    n_items : int
        Number of items, >= 1.
    decimals : int
        Printed decimals of the score.
    """
    unit = 10.0**-decimals
    slack = 1e-9 * max(1.0, score)
    for k in (int(score * n_items / 100), int(score * n_items / 100) + 1):
        distance = 100.0 * k / n_items - score
        if -unit / 2 - slack <= distance < unit + slack:
            return 100.0 * k / n_items
    return None


def runs_that_fit(score: float, n_items: int, decimals: int) -> int | None:
    """Return the smallest number of runs (2 to 64) whose mean could be this score.

    Only numbers of runs that the printed digits can tell apart (100 / (n m) coarser than the last digit) are tried;
    None where none of them fits.
    """
    counts = range(2, min(MAX_RUNS, int(100 * 10**decimals / n_items)) + 1)
    return next((m for m in counts if nearest_multiple(score, n_items * m, decimals) is not None), None)


def granularity(frame: pl.DataFrame) -> Iterator[Finding]:
    """Scores of single runs that no whole number of right answers can give.

    Only where the test can fail (100/n is coarser than the printed unit) and where neither metric nor notes speak of
    means or graded answers. A control that stands in many rows is reported once.
    """
    notes = pl.col("notes").fill_null("")
    single = ~pl.col("metric").str.contains(_MEAN) & ~notes.str.contains(_MEAN) & ~notes.str.contains("derived")
    rows = frame.filter((pl.col("score_scale") == "percent") & pl.col("n_items").is_not_null() & single)
    rows = rows.filter(~pl.col("study_id").is_in([finding.study_id for finding in shares(frame)]))
    seen = set()
    for side in ("control", "distilled"):
        columns = ("row", "study_id", "benchmark", f"score_{side}", "n_items", f"decimals_{side}", f"cell_{side}")
        for row, study, benchmark, score, n_items, decimals, cell in rows.select(columns).iter_rows():
            if score is None or 100 / n_items <= 10.0**-decimals or cell in seen:
                continue
            seen.add(cell)
            if nearest_multiple(score, n_items, decimals) is None:
                runs = runs_that_fit(score, n_items, decimals)
                why = f"a mean of {runs} runs could give it" if runs else "perhaps a mean of many runs or of subsets"
                text = f"{side} {score:g} on {benchmark} is no multiple of 100/{n_items}; {why}"
                yield Finding(FindingKind.GRANULARITY, row, study, text)


def loose_below_strict(frame: pl.DataFrame) -> Iterator[Finding]:
    """Loose or lenient accuracy counts every answer that strict accuracy counts, so it cannot be lower."""
    rules = pl.col("benchmark").str.extract(r"(?i)\((strict|loose|lenient)\)").str.to_lowercase()
    stem = pl.col("benchmark").str.replace(r"(?i) ?\((strict|loose|lenient)\)", "")
    rows = frame.with_columns(_rule=rules, _stem=stem)
    key = ["study_id", "model", "base", "contrast", "control_arm", "_stem"]
    strict = rows.filter(pl.col("_rule") == "strict").select(*key, "score_control", "score_distilled")
    loose = rows.filter(pl.col("_rule").is_in(["loose", "lenient"]))
    both = loose.join(strict, on=key, suffix="_strict", nulls_equal=True)
    for side in ("control", "distilled"):
        low = both.filter(pl.col(f"score_{side}") < pl.col(f"score_{side}_strict"))
        for row in low.iter_rows(named=True):
            text = (
                f"{side} on {row['benchmark']}: {row[f'score_{side}']:g} is below the strict "
                f"{row[f'score_{side}_strict']:g}"
            )
            yield Finding(FindingKind.LOOSE_BELOW_STRICT, row["row"], row["study_id"], text)


def above_teacher(frame: pl.DataFrame) -> Iterator[Finding]:
    """Students above their teacher: possible (another harness, further data), and worth a look."""
    rows = frame.filter((pl.col("score_scale") == "percent") & (pl.col("score_distilled") > pl.col("score_teacher")))
    for row in rows.unique("cell_distilled", keep="first", maintain_order=True).iter_rows(named=True):
        student, teacher = row["score_distilled"], row["score_teacher"]
        text = f"{row['arm']} has {student:g} on {row['benchmark']}, its teacher {teacher:g}"
        yield Finding(FindingKind.ABOVE_TEACHER, row["row"], row["study_id"], text)


def duplicates(frame: pl.DataFrame) -> Iterator[Finding]:
    """The same benchmark, control score and student score in two rows.

    Within a study: only where model and control agree too. Between studies: any two rows, because two laboratories
    seldom agree in both scores; on small benchmarks it can be chance, so only sizes above 100 (or unknown) count.
    """
    rows = frame.filter(pl.col("score_control").is_not_null() & (pl.col("score_distilled") != pl.col("score_control")))
    within = ["cell_distilled", "cell_control", "contrast", "benchmark"]
    yield from _twins(rows, within)
    large = rows.filter(pl.col("n_items").fill_null(1000) > 100)
    between = ["bench", "score_control", "score_distilled", "contrast"]
    yield from _twins(large.unique(["study_id", *between], keep="first", maintain_order=True), between)


def _twins(rows: pl.DataFrame, key: list[str]) -> Iterator[Finding]:
    twins = rows.filter(pl.struct(key).is_duplicated())
    for group in twins.partition_by(key, maintain_order=True):
        first, *rest = group.iter_rows(named=True)
        for row in rest:
            text = (
                f"{row['arm']} on {row['benchmark']}, {row['score_control']:g} to {row['score_distilled']:g}: "
                f"the same figures as row {first['row']} ({first['study_id']}, {first['arm']})"
            )
            yield Finding(FindingKind.DUPLICATE, row["row"], row["study_id"], text)


def two_controls(frame: pl.DataFrame) -> Iterator[Finding]:
    """One control of one study with different scores on one benchmark, metric and size: a slip, or two harnesses."""
    key = ["study_id", "base", "control_arm", "contrast", "benchmark", "metric", "n_items", "score_scale"]
    rows = frame.filter(pl.col("score_control").is_not_null() & pl.col("control_arm").is_not_null() & ~pl.col("gap"))
    for group in rows.partition_by(key, maintain_order=True):
        scores = sorted(set(group["score_control"].to_list()))
        if len(scores) > 1:
            first = group.row(0, named=True)
            text = f"{first['control_arm']} on {first['benchmark']} stands at {', '.join(f'{s:g}' for s in scores)}"
            yield Finding(FindingKind.TWO_CONTROLS, first["row"], first["study_id"], text)


def size_conflicts(frame: pl.DataFrame) -> Iterator[Finding]:
    """One benchmark name with different `n_items`: subsets, versions, or a slip. Told at the rarer size's first row."""
    sizes = frame.filter(pl.col("n_items").is_not_null()).group_by("bench", "n_items").agg(
        pl.len(), pl.col("row").min(), pl.col("study_id").first(), pl.col("benchmark").first()
    )  # fmt: skip
    for group in sizes.sort("len", "n_items", descending=True).partition_by("bench", maintain_order=True):
        usual, *others = group.iter_rows(named=True)
        for other in others:
            usually = f"{usual['n_items']} in {usual['len']} rows"
            text = f"{other['benchmark']} has {other['n_items']} items here and {usually}"
            yield Finding(FindingKind.SIZE_CONFLICT, other["row"], other["study_id"], text)
