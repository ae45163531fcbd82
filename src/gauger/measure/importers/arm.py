"""An arm as its logs: which of them are the same trained model, and so which replicate each one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.detect import find_logs, read_logs
from gauger.measure.importers.log import Log

MIN_ITEMS_TO_TELL = 20
"""Two trainings that agree on every one of this many items, right and wrong alike, are one training given twice."""


@dataclass(frozen=True)
class ArmLogs:
    """All logs of one arm, each with its replicate number."""

    name: str
    kind: str
    """distilled, control, teacher or base."""
    logs: tuple[Log, ...]
    replicates: tuple[int, ...]
    """Replicate of each log."""
    numbered: bool = False
    """The logs state their replicate numbers, so that equal numbers of two arms mean the same seed."""
    notes: tuple[str, ...] = field(default=())

    def on(self, benchmark: str) -> list[tuple[int, Log]]:
        """Return (replicate, log) of one benchmark."""
        pairs = zip(self.replicates, self.logs, strict=True)
        return [(replicate, log) for replicate, log in pairs if log.benchmark == benchmark]

    @property
    def benchmarks(self) -> list[str]:
        """The benchmarks of the arm, in the order of its logs."""
        return list(dict.fromkeys(log.benchmark for log in self.logs))

    @property
    def n_replicates(self) -> int:
        """How many trained models the logs come from."""
        return len(set(self.replicates))


def gather_arm(name: str, kind: str, arguments: Sequence[str]) -> ArmLogs:
    """Read every log that the arguments name.

    Logs of one folder and one model are one replicate, as long as each benchmark occurs once among them; the second
    log of a benchmark, in order of date, belongs to the second replicate, and so on.

    Raises
    ------
    InputError
        A file given twice, or two logs of one benchmark that agree on every item.
    """
    paths = [path for argument in arguments for path in find_logs(argument)]
    for path, times in Counter(path.resolve() for path in paths).items():
        if times > 1:
            raise InputError(f"each log of {name} once", "one twice", Place(str(path)))
    return arm_of_logs(name, kind, [log for path in paths for log in read_logs(path, name)])


def arm_of_logs(name: str, kind: str, logs: Sequence[Log]) -> ArmLogs:
    """Number the logs of an arm by replicate."""
    stated = Counter((log.benchmark, log.replicate) for log in logs)
    numbered = all(log.replicate is not None for log in logs) and max(stated.values(), default=1) == 1
    replicates = [int(log.replicate or 0) for log in logs] if numbered else _count_replicates(logs)
    arm = ArmLogs(name, kind, tuple(logs), tuple(replicates), numbered)
    for benchmark in arm.benchmarks:
        _refuse_copies(arm, benchmark)
    return ArmLogs(name, kind, arm.logs, arm.replicates, numbered, tuple(_doubts(arm)))


def _count_replicates(logs: Sequence[Log]) -> list[int]:
    seen: Counter[tuple[str, str]] = Counter()
    units: dict[tuple[str, int], int] = {}
    number: dict[int, int] = {}
    for index in sorted(range(len(logs)), key=lambda i: (logs[i].date, i)):
        key = (logs[index].run, logs[index].benchmark)
        number[index] = seen[key]
        seen[key] += 1
    return [units.setdefault((log.run, number[index]), len(units)) for index, log in enumerate(logs)]


def _refuse_copies(arm: ArmLogs, benchmark: str) -> None:
    """Refuse two replicates with the same score on every item: they would count one model's luck as agreement."""
    answers: list[tuple[Log, pl.DataFrame]] = []
    for log in (log for _, log in arm.on(benchmark)):
        scores = log.rows.select("position", "sample", "filter", "metric", "score").sort(pl.all())
        telling = scores["position"].n_unique() >= MIN_ITEMS_TO_TELL and scores["score"].n_unique() > 1
        twin = next((other for other, theirs in answers if telling and theirs.equals(scores)), None)
        if twin is not None:
            hint = "Replicates are trainings with different seeds. Give an evaluation of one model once."
            given = f"the same score on every item as {twin.file}"
            raise InputError(f"another training of {arm.name}", given, Place(log.file), hint)
        answers.append((log, scores))


def _doubts(arm: ArmLogs) -> Iterator[str]:
    """Say where files counted as replicates may be one model evaluated several times."""
    models: Mapping[str, set[int]] = {
        model: {r for r, log in zip(arm.replicates, arm.logs, strict=True) if log.model == model}
        for model in sorted({log.model for log in arm.logs if log.model})
    }
    for model, replicates in models.items():
        if len(replicates) > 1:
            yield (
                f"{arm.name}: {len(replicates)} evaluations of a model named {model!r} count as {len(replicates)} "
                "training replicates; if it is one trained model evaluated again, give only one of them"
            )
