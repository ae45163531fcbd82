"""Compares the logs of two or more arms: from what was read to the document, with every doubt said aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from gauger.errors import UserError
from gauger.estimate.compare.averages import extra_averages
from gauger.estimate.compare.document import comparison_document
from gauger.estimate.compare.doubts import log_notes, log_reducers, not_scored, other_headlines, trained_once
from gauger.estimate.compare.flips import flips, item_table
from gauger.estimate.compare.other_scales import other_scales
from gauger.estimate.compare.pairs import all_pairs, ranks
from gauger.estimate.compare.parted_items import parted_items
from gauger.estimate.compare.prepare import ComparisonQuestion, Prepared, design_of, having, prepare
from gauger.estimate.compare.reducers import (
    MEAN,
    common_samples,
    cut_to_common,
    most_samples,
    offered,
    reduce_samples,
    reducer_of,
)
from gauger.estimate.compare.sensitivity import ScoredBenchmark, disagreements, sensitivity
from gauger.estimate.compare.series import changes, in_order, is_series
from gauger.estimate.compare.subgroups import subgroup_estimates
from gauger.estimate.compare.touched import touched_estimates
from gauger.estimate.design import Design
from gauger.estimate.estimator import StudyEstimates, estimate_study
from gauger.estimate.outcomes_both_ways import outcome_scorings
from gauger.measure import (
    ArmLogs,
    Measure,
    agree_on_benchmarks,
    check_wish,
    group_weights,
    match_coded,
    refuse_shared_logs,
    setting_differences,
    with_directions,
)
from gauger.records import ArmKind, Document

__all__ = ["Compared", "ComparisonQuestion", "compare", "compare_items"]


@dataclass(frozen=True)
class Compared:
    """A comparison, and the items that it rests on."""

    document: Document
    items: pl.DataFrame
    """One row per benchmark and item with every arm's score (`flips.item_table`)."""
    records: pl.DataFrame
    """What was estimated from, items named by what they were matched by."""
    design: Design


def compare(arms: Sequence[ArmLogs], question: ComparisonQuestion) -> Document:
    """Compare arms from their evaluation logs; `compare_items` also gives the items and says what may be refused.

    Parameters
    ----------
    arms : sequence of ArmLogs
        A distilled arm first; at least one of the others is a control or a base.
    question : Question
        How the user wants them compared.

    Returns
    -------
    Document
        What a report shows.

    Notes
    -----
    Tested in tests/estimate/test_comparison.py.
    """
    return compare_items(arms, question).document


def compare_items(arms: Sequence[ArmLogs], question: ComparisonQuestion) -> Compared:
    """Compare arms from their evaluation logs.

    Parameters
    ----------
    arms : sequence of ArmLogs
        A distilled arm first; at least one of the others is a control or a base.
    question : Question

    Raises
    ------
    UserError
        No benchmark in common, an unknown role, benchmark, metric, filter or reducer; one log in two arms.
    """
    reducer_of(question.reduce)
    check_wish(arms, question.wish)
    arms = agree_on_benchmarks(with_directions(arms, question.wish.better))
    copies = refuse_shared_logs(arms)
    ready = prepare(arms, question)
    design = design_of(arms, ready.roles, question)
    scales, faults = _own_scales(arms, ready, design)
    if not ready.matched and not scales:
        raise next(iter(ready.left_out.values()))
    samples = pl.concat([benchmark.records for benchmark in ready.matched.values()]) if ready.matched else _NO_RECORDS
    records = samples if question.reduce == MEAN else reduce_samples(samples, question.reduce, question.unparsed_wrong)
    result = estimate_study(records, design) if ready.matched else StudyEstimates(())
    reduced, not_reduced = _reduced(arms, ready, question)
    others = [*_others(ready, question), *reduced]
    scorings = sensitivity(records, result.estimates, design, others, ready.choices) if ready.matched else []
    measures = {b: str(choice.primary) for b, choice in ready.choices.items()}
    scorings += outcome_scorings(records, result, design, measures)[0] if ready.matched else []
    extra = _extras(arms, ready, records, design, result, question)
    warnings = [
        *trained_once(arms),
        *result.warnings,
        *setting_differences(arms, list(ready.matched)),
        *copies,
        *ready.notes,
        *not_scored(ready, scales),
        *faults,
        *(note for b in ready.matched for note in (*ready.choices[b].notes, *ready.matched[b].notes)),
        *other_headlines(arms, ready, question),
        *(f"{b}: {cut}" for b, m in ready.matched.items() if (cut := cut_to_common(m.records, question.reduce))),
        *not_reduced,
        *disagreements(scorings),
        *log_notes(arms),
    ]
    estimates = (*result.estimates, *extra.estimates)
    study = {"other_scales": scales, **extra.study}
    document = comparison_document(
        arms, design, ready.matched, replace(result, estimates=estimates), scorings, warnings
    )
    document = replace(document, study={**document.study, **study})
    return Compared(document, extra.items, _named_items(records, ready), design)


def _named_items(records: pl.DataFrame, ready: Prepared) -> pl.DataFrame:
    """Name items by the keys that they were matched by, which mean the same in another comparison; see `runs`."""
    keys = [
        benchmark.items.select(pl.lit(b).alias("benchmark"), "item", "key") for b, benchmark in ready.matched.items()
    ]
    if not keys:
        return records
    return records.join(pl.concat(keys), on=["benchmark", "item"]).with_columns(item="key").drop("key")


_NO_RECORDS = pl.DataFrame(
    schema={
        "arm": pl.String, "replicate": pl.Int64, "benchmark": pl.String, "role": pl.String, "item": pl.String,
        "cluster": pl.String, "sample": pl.Int64, "outcome": pl.String, "score": pl.Float64,
    }
)  # fmt: skip


@dataclass(frozen=True)
class _Extras:
    """What a comparison says besides the estimates of a study."""

    estimates: tuple[Any, ...]
    study: Mapping[str, Any]
    items: pl.DataFrame


def _extras(
    arms: Sequence[ArmLogs],
    ready: Prepared,
    records: pl.DataFrame,
    design: Design,
    result: StudyEstimates,
    question: ComparisonQuestion,
) -> _Extras:
    """Estimate averages by items and within groups, pairs and ranks of several students, sub-groups; list the items."""
    if not ready.matched:
        return _Extras((), {}, pl.DataFrame())
    groups = _groups(arms)
    averages = extra_averages(records, design, groups)
    students = [arm.name for arm in design.of_kind(ArmKind.DISTILLED)]
    weights = {group: how for arm in reversed(arms) for group, how in group_weights(arm.first_model)[0].items()}
    study: dict[str, Any] = {
        "groups": {g: {"weights": weights[g], "benchmarks": members} for g, members in groups.items()}
    }
    pairs = []
    if len(students) > 1:
        compared = in_order(students) if is_series(students) else students
        pairs = all_pairs(records, design, compared)
        study["ranks"] = ranks(pairs, result.estimates, compared)
        if is_series(students):
            study["series"] = changes(pairs, compared)
    if question.by:
        study["by"] = {"column": question.by, "estimates": subgroup_estimates(ready.matched, design, question.by)}
    if question.audited:
        study["audit"] = touched_estimates(ready.matched, design, question.audited)
    table = item_table(ready.matched, [arm.name for arm in arms], records, unparsed_wrong=question.unparsed_wrong)
    against = design.first(ArmKind.MATCHED) or design.first(ArmKind.BASE)
    study["flips"] = flips(table, [(name, str(against)) for name in students])
    if students:
        study["items"] = parted_items(table, ready.matched, arms, (students[0], str(against)))
    study["matched_by"] = {b: benchmark.key for b, benchmark in ready.matched.items()}
    return _Extras((*averages, *pairs), study, table)


def _groups(arms: Sequence[ArmLogs]) -> dict[str, list[str]]:
    """Return the groups that the logs name -> their benchmarks."""
    groups: dict[str, list[str]] = {}
    for log in (log for arm in arms for log in arm.logs):
        for group in log.groups:
            groups.setdefault(group, []).append(log.benchmark)
    return {group: list(dict.fromkeys(members)) for group, members in groups.items()}


def _own_scales(arms: Sequence[ArmLogs], ready: Prepared, design: Design) -> tuple[list[dict[str, Any]], list[str]]:
    rows, faults = [], []
    for benchmark in (*ready.matched, *ready.left_out):
        some, own_faults = other_scales(having(arms, benchmark), benchmark, design, ready.rule)
        rows += some
        faults += own_faults
    return rows, faults


def _others(ready: Prepared, question: ComparisonQuestion) -> list[ScoredBenchmark]:
    """Return every further measure of every benchmark, matched like the primary one."""
    others = []
    for b, choice in ready.choices.items():
        for measure in choice.others:
            records = match_coded(ready.coded[b], measure, ready.rule, named=False).records
            if question.reduce != MEAN:
                records = reduce_samples(records, question.reduce, question.unparsed_wrong)
            others.append(ScoredBenchmark(b, measure, records))
    return others


def _reduced(
    arms: Sequence[ArmLogs], ready: Prepared, question: ComparisonQuestion
) -> tuple[list[ScoredBenchmark], list[str]]:
    """Return the primary measure of every benchmark with several samples under the other reducers.

    Nobody asked for them: one that these samples do not allow is left out, and the second list says why.
    """
    others, left_out = [], []
    for b, matched in ready.matched.items():
        n, most = common_samples(matched.records), most_samples(matched.records)
        if n == 1 < most:
            left_out.append(
                f"{b}: not shown under other reducers: some side has one sample of every item, others {most}"
            )
        binary = matched.records["score"].drop_nulls().is_in([0.0, 1.0]).all()
        names = [MEAN, *offered(n, log_reducers(arms, b), bool(binary))] if n > 1 else []
        for name in names:
            if name != question.reduce:
                primary = ready.choices[b].primary
                measure = Measure(primary.filter, f"{primary.metric}, {name} of {n} samples")
                try:
                    records = reduce_samples(matched.records, name, question.unparsed_wrong)
                except UserError as error:
                    left_out.append(f"{b}: not shown under {name} of its samples: {error}")
                else:
                    others.append(ScoredBenchmark(b, measure, records))
    return others, left_out
