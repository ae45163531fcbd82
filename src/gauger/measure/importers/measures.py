"""Chooses which score is compared: the primary measure by a stated rule, and others to test how much it matters.

The rule: the first measure that the distilled arm's log lists (for lm-eval that is the task's own order, for Inspect
the headline score), that every arm's log has, and that can be compared. `--metric` and `--filter` override it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gauger.errors import InputError, Place, UserError, nearest
from gauger.measure.importers.arm import ArmLogs
from gauger.measure.importers.log import Log, Measure


class UnusableWishError(InputError):
    """A metric that the user named cannot be compared: nothing else may be compared in its place."""


@dataclass(frozen=True)
class Wish:
    """What the user asked for; empty where they left it to the rule."""

    metrics: tuple[str, ...] = ()
    """In order of preference."""
    filters: tuple[str, ...] = ()
    better: Mapping[str, str] = field(default_factory=dict)
    """Metric -> higher or lower: which of its values are better, whatever the logs say."""

    def rank(self, measure: Measure) -> tuple[int, int]:
        """Return the place of a measure in the user's order; those not named come last."""
        return _place(measure.metric, self.metrics), _place(measure.filter, self.filters)


@dataclass(frozen=True)
class MeasuresOfBenchmark:
    """The measures of one benchmark."""

    benchmark: str
    primary: Measure
    others: tuple[Measure, ...] = ()
    """Further measures that every arm has: the sensitivity check runs over them."""
    notes: tuple[str, ...] = ()


def choose_measures(arms: Sequence[ArmLogs], benchmark: str, wish: Wish) -> MeasuresOfBenchmark:
    """Choose the measures of one benchmark.

    Parameters
    ----------
    arms : sequence of ArmLogs
        The arms that have the benchmark, the distilled one first.
    benchmark : str
    wish : Wish

    Raises
    ------
    InputError
        No measure is on every side, or none of those can be compared; says why for each.
    """
    logs = [log for arm in arms for _, log in arm.on(benchmark)]
    everywhere = [measure for measure in _all_measures(logs[0]) if all(measure in _all_measures(log) for log in logs)]
    problems = {m: f"{p} ({log.shown or log.file})" for log in logs for m, p in log.refused.items()}
    errors = {metric for log in logs for metric in log.errors}
    problems |= {m: f"{m.metric} is an error: lower is better" for m in everywhere if m.metric in errors}
    usable = [measure for measure in everywhere if measure not in problems]
    wanted = sorted(usable, key=wish.rank)
    if not wanted:
        raise _nothing_to_compare(logs, benchmark, everywhere, problems)
    notes = [f"{benchmark}: {m} is not compared: {problems[m]}" for m in everywhere if m in problems]
    notes += _one_sided(logs, benchmark)
    if any(wanted[0].metric in log.doubtful for log in logs):
        metric = wanted[0].metric
        notes.append(
            f"{benchmark}: {metric} is taken as a score, higher is better, although its name suggests otherwise and no "
            f"log says so (--better {metric}=lower, or {metric}=higher where it is one)"
        )
    _refuse_unusable_wish(benchmark, wish, problems)
    return MeasuresOfBenchmark(benchmark, wanted[0], tuple(m for m in usable if m != wanted[0]), tuple(notes))


def check_wish(arms: Sequence[ArmLogs], wish: Wish) -> None:
    """Refuse a metric or filter that no log has, with the nearest one that some log has."""
    measures = [measure for arm in arms for log in arm.logs for measure in _all_measures(log)]
    for what, names, known in (
        ("metric", (*wish.metrics, *wish.better), {measure.metric for measure in measures}),
        ("filter", wish.filters, {measure.filter or "none" for measure in measures}),
    ):
        for name in names:
            if name not in known:
                raise UserError(f"a {what} of the logs", repr(name), hint=nearest(name, known))


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)


def _all_measures(log: Log) -> list[Measure]:
    return list(dict.fromkeys([*log.measures, *log.refused]))


def _refuse_unusable_wish(benchmark: str, wish: Wish, problems: dict[Measure, str]) -> None:
    """A metric that the user named must not be replaced by another one in silence."""
    for measure, problem in problems.items():
        if measure.metric in wish.metrics:
            raise UnusableWishError(f"scores from 0 to 1 as {measure} of {benchmark}", problem, hint=_RESCALE)


def _one_sided(logs: Sequence[Log], benchmark: str) -> list[str]:
    """Name the measures that only some of the logs have."""
    first = set(_all_measures(logs[0]))
    union = dict.fromkeys(measure for log in logs for measure in _all_measures(log))
    missing = [str(m) for m in union if not all(m in _all_measures(log) for log in logs)]
    if not missing or not first:
        return []
    return [f"{benchmark}: metric settings differ: {', '.join(missing)} is not in every log and is not compared"]


_RESCALE = "Rescale to 0-1 with 1 as best (percentages: divide by 100), or choose another one with --metric."


def _nothing_to_compare(
    logs: Sequence[Log], benchmark: str, everywhere: Sequence[Measure], problems: dict[Measure, str]
) -> InputError:
    if everywhere:
        given = "; ".join(f"{measure}: {problems[measure]}" for measure in everywhere)
        hint = _RESCALE if any("outside 0 to 1" in problem for problem in problems.values()) else ""
        return InputError(f"scores from 0 to 1 on {benchmark}", given, hint=hint)
    given = "; ".join(
        f"{log.shown or log.file}: {', '.join(map(str, _all_measures(log))) or 'none'}" for log in logs[:4]
    )
    return InputError(f"a metric of {benchmark} that every log has", given, Place())
