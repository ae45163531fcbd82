"""Compares models from evaluation logs that exist (`gauger.compare`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gauger.api.frames import FrameLike, is_frame, polars_of
from gauger.api.places import check_report_folder
from gauger.api.result import Result
from gauger.errors import UserError, nearest

if TYPE_CHECKING:
    import polars as pl

    from gauger.estimate import Compared
    from gauger.measure import ArmLogs, Wants
    from gauger.records import Document

KINDS = ("distilled", "control", "teacher", "base")
"""Arms that can be given, in the order of the report."""
USAGE = "gauger compare distilled=PATH control=PATH, or gauger compare RECORDS --distilled ARM --control ARM"
Paths: TypeAlias = str | Path | Sequence[str | Path]
"""One path, or several: each a log, a folder of logs or a pattern."""
Names: TypeAlias = str | Sequence[str] | None
"""One name, several, or none."""


class Comparison(Result):
    """What evaluation logs say about one or more distilled models."""

    def __init__(self, compared: Compared) -> None:
        super().__init__(compared.document.to_dict())
        self.compared = compared

    @property
    def document(self) -> Document:
        """The document with its types."""
        return self.compared.document

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row per benchmark and item, with every arm's score."""
        return self.compared.items

    def report(self, path: Path | str) -> Path:
        """Write the report; a directory also gets ``estimates.json`` and ``items.csv``. See `Result.report`."""
        target = Path(path)
        if target.suffix == ".html":
            return super().report(target)
        from gauger.report import write
        from gauger.store import document_bytes

        check_report_folder(target, "the report")
        beside = {"estimates.json": document_bytes(self.document.to_dict())}
        if not self.items.is_empty():
            beside["items.csv"] = self.items.write_csv().encode()
        return write(self.to_dict(), target, beside)


def compare(
    source: FrameLike | Mapping[str, Paths] | str | Path,
    *,
    distilled: Names = None,
    control: str | None = None,
    teacher: str | None = None,
    base: str | None = None,
    roles: Mapping[str, str] | None = None,
    metric: Names = None,
    filter: Names = None,
    better: Mapping[str, str] | None = None,
    paired: bool | None = None,
    unparsed: str = "wrong",
    reduce: str = "mean",
    match: str | None = None,
    columns: Mapping[str, str] | None = None,
    study: str | None = None,
    replicate: str | None = None,
    by: str | None = None,
    audit: str | Path | None = None,
) -> Comparison:
    """Say what a distilled model gained over its control, from evaluation logs that exist.

    Parameters
    ----------
    source : DataFrame, path or mapping
        A records table (Polars, pandas, or the path of one) whose arms the next four name; or arm -> paths, the arms
        being ``distilled``, ``control``, ``teacher``, ``base``; several students are ``distilled:NAME`` each.
    distilled, control, teacher, base : str
        Names of the arms in a records table; several students are a sequence.
    roles : mapping, optional
        Benchmark (may hold a ``*``) -> targeted, parallel, near or far.
    metric, filter : str or sequence of str, optional
        Metrics and answer extractions to compare, in order of preference.
    better : mapping, optional
        Metric -> higher or lower: which of its values are better, where its log does not say or says otherwise.
    paired : bool, optional
        Whether replicates of the same number share their seed across arms; by default as the table numbers them.
    unparsed : {"wrong", "missing"}
        How answers that were not extracted count.
    reduce : str
        How several samples of an item become one score: mean, median, mode, max, at_least_K or pass@K.
    match : str, optional
        What items are matched by: document, question, id-and-target or id; by default the best that all share.
    columns : mapping, optional
        A column of the contract -> its name in the table.
    study : str, optional
        Of a table with the records of several studies: the one that is meant.
    replicate : str, optional
        Regular expression that tells replicates apart, searched in the model's name, then in the path.
    by : str, optional
        A column of sub-groups of items.
    audit : path, optional
        What `gauger audit` wrote of these benchmarks: uplift on touched and on clean items, and the difference.

    Returns
    -------
    Comparison

    Raises
    ------
    UserError
        Any mistake in what was given, in the words of `gauger compare`.
    """
    from gauger.audit import read_audit
    from gauger.estimate import ComparisonQuestion, compare_items
    from gauger.measure import Wants, Wish

    if unparsed not in ("wrong", "missing"):
        raise UserError("--unparsed wrong or missing", repr(unparsed))
    question = ComparisonQuestion(
        roles=dict(roles or {}),
        wish=Wish(_several(metric), _several(filter), dict(better or {})),
        paired=paired,
        unparsed_wrong=unparsed == "wrong",
        match=match,
        reduce=reduce,
        by=by,
        audited=() if audit is None else tuple(read_audit(Path(audit))),
    )
    given = {"distilled": _several(distilled), "control": _several(control)}
    given |= {"teacher": _several(teacher), "base": _several(base)}
    names = [(kind, name) for kind in KINDS for name in given[kind]]
    wants = Wants(dict(columns or {}), by, study)
    if isinstance(source, Mapping):
        arms = _of_paths(source, names, wants, replicate)
    else:
        arms = _of_table(source, names, wants, replicate)
    return Comparison(compare_items(arms, question))


def _several(given: Names) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def _of_table(
    source: FrameLike | str | Path, names: Sequence[tuple[str, str]], wants: Wants, pattern: str | None
) -> list[ArmLogs]:
    """Read the named arms of a records table."""
    from gauger.measure import arms_of_table

    _refuse_twice([name for _, name in names])
    check_kinds([kind for kind, _ in names])
    if is_frame(source):
        return arms_of_table(polars_of(source), names, wants, pattern)
    if not isinstance(source, str | Path):
        raise UserError("a DataFrame, a path, or a mapping of arms to paths", type(source).__name__)
    return arms_of_table(Path(source), names, wants, pattern)


def _of_paths(
    source: Mapping[str, Paths], names: Sequence[tuple[str, str]], wants: Wants, pattern: str | None
) -> list[ArmLogs]:
    """Read every arm's logs from its paths."""
    from gauger.measure import gather_arm

    if names:
        raise UserError("one records table beside --distilled and --control", f"{len(source)} arguments")
    arms = sorted(map(split_arm, source), key=lambda arm: KINDS.index(arm[0]))
    _refuse_twice([name for _, name in arms])
    paths = {split_arm(arm): _path_texts(given) for arm, given in source.items()}
    gathered = [gather_arm(name, kind, paths[kind, name], wants, pattern) for kind, name in arms]
    check_kinds([arm.kind for arm in gathered])
    return gathered


def _path_texts(given: Paths) -> list[str]:
    return [str(given)] if isinstance(given, str | Path) else [str(path) for path in given]


def split_arm(arm: str) -> tuple[str, str]:
    """Return (kind, name) of ``kind`` or ``distilled:NAME``; only students may have names of their own."""
    kind, colon, name = arm.partition(":")
    if kind not in KINDS:
        raise UserError("an arm", repr(kind), hint=nearest(kind, KINDS))
    if colon and (kind != "distilled" or not name):
        raise UserError("a name for a student (distilled:NAME=PATH)", repr(arm), hint=USAGE)
    return kind, name or kind


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse a comparison without a student or without anything to compare it with."""
    if "distilled" not in kinds or not {"control", "base"} & set(kinds):
        given = f"only {', '.join(kinds)}" if kinds else "no arms"
        raise UserError("a distilled arm and a control (or a base) to compare it with", given, hint=USAGE)


def _refuse_twice(names: Sequence[str]) -> None:
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise UserError("arms with different names", f"{twice!r} twice")
