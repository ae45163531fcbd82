"""An arm as its logs: which of them are the same trained model, and so which replicate each one is."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from gauger.errors import InputError, Place, nearest
from gauger.measure.importers.detect import FORMATS, find_logs, read_logs
from gauger.measure.importers.log import Log
from gauger.measure.importers.table import read_table, table_logs

MIN_ITEMS_TO_TELL = 20
"""Below this many items two trainings may well agree on all of them."""


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
        A file given twice, as itself or as a copy.
    """
    paths = [path for argument in arguments for path in find_logs(argument)]
    for path, times in Counter(path.resolve() for path in paths).items():
        if times > 1:
            raise InputError(f"each log of {name} once", "one twice", Place(str(path)))
    return arm_of_logs(name, kind, [log for path in paths for log in read_logs(path, name)])


def arms_of_table(path: Path, names: Mapping[str, str]) -> list[ArmLogs]:
    """Read the named arms of one records table.

    Parameters
    ----------
    path : Path
    names : mapping of kind -> str
        distilled, control, teacher, base -> the arm's name in the table.

    Raises
    ------
    InputError
        No such table, or a name that it does not hold, with the nearest one it does.
    """
    found = find_logs(str(path))
    if len(found) > 1 or FORMATS[found[0].suffix] != "records table":
        given = f"{len(found)} files" if len(found) > 1 else f"a {found[0].suffix} file"
        raise InputError("one records table (.csv, .parquet) beside --distilled and --control", given, Place(str(path)))
    table = read_table(found[0])
    known = [str(name) for name in table["arm"].unique(maintain_order=True).to_list()]
    for kind, name in names.items():
        if name not in known:
            raise InputError(f"the {kind} arm among the table's", repr(name), Place(str(path)), nearest(name, known))
    parts = {kind: table.filter(pl.col("arm") == name) for kind, name in names.items()}
    return [arm_of_logs(names[kind], kind, table_logs(found[0], part)) for kind, part in parts.items()]


def arm_of_logs(name: str, kind: str, logs: Sequence[Log]) -> ArmLogs:
    """Number the logs of an arm by replicate."""
    stated = Counter((log.benchmark, log.replicate) for log in logs)
    numbered = all(log.replicate is not None for log in logs) and max(stated.values(), default=1) == 1
    replicates = [int(log.replicate or 0) for log in logs] if numbered else _count_replicates(logs)
    arm = ArmLogs(name, kind, tuple(logs), tuple(replicates), numbered)
    twins = [said for benchmark in arm.benchmarks for said in _twins(arm, benchmark)]
    return replace(arm, notes=(*_doubts(arm), *dict.fromkeys(twins)))


def _count_replicates(logs: Sequence[Log]) -> list[int]:
    seen: Counter[tuple[str, str]] = Counter()
    units: dict[tuple[str, int], int] = {}
    number: dict[int, int] = {}
    for index in sorted(range(len(logs)), key=lambda i: (logs[i].date, i)):
        key = (logs[index].run, logs[index].benchmark)
        number[index] = seen[key]
        seen[key] += 1
    return [units.setdefault((log.run, number[index]), len(units)) for index, log in enumerate(logs)]


def _twins(arm: ArmLogs, benchmark: str) -> Iterator[str]:
    """Say which two replicates agree on every item; refuse them where their files are the same, byte for byte.

    Raises
    ------
    InputError
        A copy of a log as a second replicate: it would count one model's luck as agreement.
    """
    answers: list[tuple[Log, pl.DataFrame]] = []
    for log in (log for _, log in arm.on(benchmark)):
        scores = log.rows.select("position", "sample", "filter", "metric", "score").sort(pl.all())
        twin = next((other for other, theirs in answers if theirs.equals(scores)), None)
        answers.append((log, scores))
        if twin is None or scores["position"].n_unique() < MIN_ITEMS_TO_TELL:
            continue
        if twin.file != log.file and filecmp.cmp(twin.file, log.file, shallow=False):
            hint = "Replicates are trainings with different seeds: give each evaluation once."
            raise InputError(f"another training of {arm.name}", f"a copy of {twin.file}", Place(log.file), hint)
        if scores["score"].drop_nulls().n_unique() > 1:
            yield (
                f"{arm.name}, {benchmark}: two replicates have the same score on every item; if they are one trained "
                "model evaluated twice, give only one of them"
            )


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
