"""Gathers an arm from its logs: what can be read, which of it counts, and which trained model each log is of."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import polars as pl

from gauger.errors import InputError, Place, nearest
from gauger.measure.importers.contents import NoLogError
from gauger.measure.importers.detect import find_logs
from gauger.measure.importers.directions import directed
from gauger.measure.importers.formats import read_file
from gauger.measure.importers.identity import Split, identify
from gauger.measure.importers.log import Log, Wants, counted
from gauger.measure.importers.table import RecordsTable, frame_table, read_table, table_logs

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
    read: tuple[Log, ...] = field(default=())
    """Everything that was read, before evaluations were chosen."""
    pattern: str | None = None
    """How the user tells replicates apart."""

    def on(self, benchmark: str) -> list[tuple[int, Log]]:
        """Return (replicate, log) of one benchmark."""
        pairs = zip(self.replicates, self.logs, strict=True)
        return [(replicate, log) for replicate, log in pairs if log.benchmark == benchmark]

    @property
    def benchmarks(self) -> list[str]:
        """The benchmarks of the arm, in the order of its logs."""
        return list(dict.fromkeys(log.benchmark for log in self.logs))

    @property
    def first_model(self) -> list[Log]:
        """The logs of the arm's first trained model."""
        first = min(self.replicates)
        return [log for replicate, log in zip(self.replicates, self.logs, strict=True) if replicate == first]

    @property
    def n_replicates(self) -> int:
        """How many trained models the logs come from."""
        return len(set(self.replicates))


def gather_arm(
    name: str, kind: str, arguments: Sequence[str], wants: Wants | None = None, pattern: str | None = None
) -> ArmLogs:
    """Read every log that the arguments name; what cannot be read is left out and named.

    Parameters
    ----------
    name, kind : str
    arguments : sequence of str
        Files, folders or patterns.
    wants : Wants, optional
        Columns under other names, a column to group by.
    pattern : str, optional
        Regular expression that finds the replicate's name in a model's name or a path.

    Raises
    ------
    InputError
        A file given twice, or no log that could be read.
    """
    files = [(path, root) for argument in arguments for path, root in find_logs(argument)]
    for path, times in Counter(path.resolve() for path, _ in files).items():
        if times > 1:
            raise InputError(f"each log of {name} once", "one twice", Place(str(path)))
    logs, notes = _read_all(name, files, wants or Wants())
    arm = arm_of_logs(name, kind, logs, pattern)
    return replace(arm, notes=(*arm.notes, *notes))


def _read_all(name: str, files: Sequence[tuple[Path, Path]], wants: Wants) -> tuple[list[Log], list[str]]:
    """Read what can be read; return a sentence on the rest."""
    logs: list[Log] = []
    broken: list[InputError] = []
    foreign: list[tuple[str, NoLogError]] = []
    notes = []
    for path, root in files:
        shown = str(path.relative_to(root)) if path != root else path.name
        try:
            logs += [replace(log, shown=shown) for log in read_file(path, name, wants)]
        except NoLogError as fault:
            foreign.append((shown, fault))
        except InputError as fault:
            broken.append(fault)
            notes.append(f"{name}: left out, not readable: {str(fault).replace(str(path), shown)}")
    if not logs:
        raise _nothing_read(broken, foreign)
    if foreign:
        notes.append(f"{name}: passed over, no evaluation logs: {counted([shown for shown, _ in foreign], 'files')}")
    return logs, notes


def _nothing_read(broken: Sequence[InputError], foreign: Sequence[tuple[str, NoLogError]]) -> InputError:
    """Return the fault that best says why nothing is left."""
    return broken[0] if broken else foreign[0][1]


def arms_of_table(
    source: Path | pl.DataFrame,
    names: Sequence[tuple[str, str]],
    wants: Wants | None = None,
    pattern: str | None = None,
) -> list[ArmLogs]:
    """Read the named arms of one records table.

    Parameters
    ----------
    source : Path or DataFrame
        A file, or its rows.
    names : sequence of (kind, str)
        distilled, control, teacher or base, and the arm's name in the table.
    wants : Wants, optional
        Columns under other names, a column to group by.
    pattern : str, optional
        Not used where the table numbers its replicates.

    Raises
    ------
    InputError
        No such table, or a name that it does not hold, with the nearest one it does.
    """
    table = frame_table(source, wants or Wants()) if isinstance(source, pl.DataFrame) else _one_table(source, wants)
    path = table.path if isinstance(source, pl.DataFrame) else source
    if not table.has_arms:
        hint = f"Say which column it is: --column arm=NAME. {nearest('arm', table.header)}"
        raise InputError("a column 'arm'", f"columns {', '.join(table.header)}", Place(str(path), 1), hint)
    for kind, name in names:
        if name not in table.arms:
            raise InputError(
                f"the {kind} arm among the table's", repr(name), Place(str(path)), nearest(name, table.arms)
            )
    return [arm_of_logs(name, kind, table_logs(table, name), pattern) for kind, name in names]


def _one_table(path: Path, wants: Wants | None) -> RecordsTable:
    files = find_logs(str(path))
    if len(files) > 1:
        raise InputError("one records table beside --distilled and --control", f"{len(files)} files", Place(str(path)))
    return read_table(files[0][0], wants)


def arm_of_logs(
    name: str, kind: str, logs: Sequence[Log], pattern: str | None = None, split: Split | None = None
) -> ArmLogs:
    """Choose the evaluations of an arm that count, and number them by trained model."""
    identified = identify(name, logs, pattern, split)
    arm = ArmLogs(name, kind, identified.logs, identified.replicates, identified.numbered, (), tuple(logs), pattern)
    twins = [sentence for benchmark in arm.benchmarks for sentence in _twins(arm, benchmark)]
    return replace(arm, notes=(*identified.notes, *dict.fromkeys(twins)))


def with_directions(arms: Sequence[ArmLogs], better: Mapping[str, str]) -> list[ArmLogs]:
    """Return arms whose metrics have the directions that the user states (`directions.directed`)."""
    return [
        replace(
            arm,
            logs=tuple(directed(log, better) for log in arm.logs),
            read=tuple(directed(log, better) for log in arm.read),
        )
        for arm in arms
    ]


def agree_on_benchmarks(arms: Sequence[ArmLogs]) -> list[ArmLogs]:
    """Name benchmarks alike in all arms: an argument that makes two benchmarks of a task in one makes them in all."""
    split: dict[str, tuple[str, ...]] = {}
    for arm in arms:
        for log in arm.logs:
            if log.task and log.benchmark != log.task:
                split[log.task] = tuple(dict.fromkeys((*split.get(log.task, ()), *_argument_names(log))))
    if not split:
        return list(arms)
    return [_again(arm, split) for arm in arms]


def _argument_names(log: Log) -> list[str]:
    """Return the arguments that stand in a benchmark's name."""
    return [name for name in log.arguments if f"{name}={log.arguments[name]}" in log.benchmark]


def _again(arm: ArmLogs, split: Split) -> ArmLogs:
    regrouped = arm_of_logs(arm.name, arm.kind, arm.read or arm.logs, arm.pattern, split)
    return replace(regrouped, notes=tuple(dict.fromkeys((*regrouped.notes, *arm.notes))))


def refuse_shared_logs(arms: Sequence[ArmLogs]) -> list[str]:
    """Refuse one log, or a copy of it, in two arms: the comparison would be of a model with itself.

    Two logs of the same bytes under different model names are named instead; logs with one score throughout (all
    right, all wrong) and short ones may well be alike.

    Returns
    -------
    list of str
        A sentence on each model name that two arms share, and on each pair of equal files of differently named models.

    Raises
    ------
    InputError
        Naming both arms and the file.
    """
    notes = list(_shared_names(arms))
    for arm, other in combinations(arms, 2):
        for log in arm.logs:
            for twin in (twin for _, twin in other.on(log.benchmark) if log.rows.equals(twin.rows)):
                same, copy = _same_file(log, twin), _is_copy(log, twin)
                if same or (copy and not (log.model and twin.model and log.model != twin.model)):
                    given = "the same log for both" if same else f"a copy of {twin.file}"
                    hint = "Give each model's own logs; a folder of one arm must not hold those of the other."
                    raise InputError(f"different logs for {arm.name} and {other.name}", given, Place(log.file), hint)
                if copy:
                    names = f"{log.model!r} ({arm.name}) and {twin.model!r} ({other.name})"
                    notes.append(f"{log.benchmark}: the logs of {names} are the same file, byte for byte")
    return notes


def _shared_names(arms: Sequence[ArmLogs]) -> Iterator[str]:
    """Say where two arms name the same model: one of them may have been evaluated in the other's place."""
    for arm, other in combinations(arms, 2):
        for model in dict.fromkeys(log.model for log in arm.logs if log.model):
            if any(model == log.model for log in other.logs):
                yield f"the logs of {arm.name} and {other.name} name the same model, {model!r}: is each the right one?"


def _same_file(log: Log, other: Log) -> bool:
    return Path(log.file).is_file() and Path(log.file).resolve() == Path(other.file).resolve()


def _is_copy(log: Log, other: Log) -> bool:
    """Tell whether two files are equal, and not only because every score in them is."""
    telling = log.n_items >= MIN_ITEMS_TO_TELL and log.rows["score"].drop_nulls().n_unique() > 1
    files = Path(log.file), Path(other.file)
    return telling and all(file.is_file() for file in files) and filecmp.cmp(*files, shallow=False)


def _twins(arm: ArmLogs, benchmark: str) -> Iterator[str]:
    """Say which two replicates agree on every item; refuse them where their files are the same, byte for byte.

    Raises
    ------
    InputError
        A copy of a log as a second replicate: it would count one model's luck as agreement.
    """
    answers: list[tuple[Log, pl.DataFrame]] = []
    pairs = arm.on(benchmark)
    for log in (log for _, log in pairs if len(pairs) > 1):
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
