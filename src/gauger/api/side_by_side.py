"""Sets runs side by side (`gauger.compare_runs`): both verdicts, and every estimate of one less that of another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.api.logs import Comparison, Names, compare
from gauger.api.places import check_report_folder
from gauger.api.result import Result
from gauger.api.same_question import RULE, leaves, refuse_others, resolved_settings
from gauger.api.studies import StudyRun, load_run
from gauger.errors import InputError, Place, UserError
from gauger.records import ESTIMATES_SCHEMA

if TYPE_CHECKING:
    from gauger.estimate import ComparedRun, Design, RunDifferences


class SideBySide(Result):
    """Runs of one question side by side: the first is what all others are set against.

    `estimates` are differences, one row each, with both values, the paired interval, and the one that ignores what the
    runs share.
    """

    @property
    def verdicts(self) -> dict[str, Mapping[str, Any] | None]:
        """Run -> its own verdict; None for a records table, which has none."""
        return {run["run"]: run["verdict"] for run in self.to_dict()["study"]["runs"]}

    def report(self, path: Path | str) -> Path:
        """Write the report; a directory also gets ``estimates.json``. See `Result.report`."""
        target = Path(path)
        if target.suffix != ".html":
            from gauger.store import write_json

            check_report_folder(target, "the report")
            target.mkdir(parents=True, exist_ok=True)
            write_json(target / "estimates.json", self.to_dict())
        return super().report(target)

    @property
    def judged(self) -> list[dict[str, Any]]:
        """For every run after the first: the difference of what the verdict's rule judges."""
        differences: list[dict[str, Any]] = self.to_dict()["study"]["judged"]
        return differences


def open_result(path: Path | str) -> StudyRun | SideBySide:
    """Open a directory with an `estimates.json` of any kind: a run, a comparison of logs, or runs side by side.

    Raises
    ------
    InputError
        Where no estimates are there yet, or they cannot be read.
    """
    from gauger.store import RunDirectory, read_json

    run = load_run(path)
    if run.document.study.get("kind") != "runs":
        return run
    document: Any = read_json(RunDirectory(Path(path)).estimates)
    return SideBySide(document)


def compare_runs(
    runs: Sequence[str | Path | StudyRun],
    *,
    distilled: Names = None,
    control: str | None = None,
    teacher: str | None = None,
    base: str | None = None,
    roles: Mapping[str, str] | None = None,
    paired: bool | None = None,
) -> SideBySide:
    """Set runs of one question side by side: the same study under another surface, seed, student or teacher.

    Parameters
    ----------
    runs : sequence of path or StudyRun
        Directories of finished runs; or records tables, whose arms the next four name. All others are set against the
        first.
    distilled, control, teacher, base : str, optional
        Names of the arms in records tables, alike in all of them.
    roles : mapping, optional
        Benchmark -> role, for records tables.
    paired : bool, optional
        Whether replicates of the same number share their seed between runs. By default where studies have the same
        seed and world, and where tables number their replicates.

    Returns
    -------
    SideBySide
        Of every estimand, arm and benchmark that both runs have: the difference with its interval, paired over common
        items and seeds.

    Raises
    ------
    UserError
        Fewer than two runs, one run twice, other benchmarks, another rule of the verdict, another reading of answers.
    """
    named = {"distilled": distilled, "control": control, "teacher": teacher, "base": base}
    if len(runs) < 2:
        raise UserError("two runs or more", str(len(runs)))
    _refuse_twice([run.directory.root if isinstance(run, StudyRun) else Path(run) for run in runs])
    opened = [_compared(run, named, roles, paired) if any(named.values()) else _opened(run) for run in runs]
    labels = _labels([run.directory.root if isinstance(run, StudyRun) else Path(str(run)) for run in runs])
    refuse_others(labels, opened)
    sides = [_side(label, run, paired) for label, run in zip(labels, opened, strict=True)]
    return SideBySide(_document(labels, opened, sides))


def _refuse_twice(paths: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise UserError("different runs", "one twice", Place(str(path)), "A run differs in nothing from itself.")
        seen.add(path.resolve())


def _compared(
    table: str | Path | StudyRun, named: Mapping[str, Any], roles: Mapping[str, str] | None, paired: bool | None
) -> StudyRun | Comparison:
    """Compare the named arms of one records table."""
    if isinstance(table, StudyRun):
        raise UserError("records tables beside the names of arms", "a run", Place(str(table.directory.root)))
    return compare(Path(table), **named, roles=roles, paired=paired)


def _opened(given: str | Path | StudyRun) -> StudyRun | Comparison:
    """Open a run that has its records."""
    if isinstance(given, StudyRun):
        return given
    path = Path(given)
    if path.is_file():
        hint = "Of records tables, name the arms: --distilled ARM --control ARM."
        raise InputError("the directory of a run", "a file", Place(str(path)), hint)
    run = load_run(path)
    if not run.directory.records.exists():
        hint = "A comparison of logs keeps no records: compare the records tables themselves."
        raise InputError("a run with its records", "none", Place(str(path)), hint)
    return run


def _labels(paths: Sequence[Path]) -> list[str]:
    """Name runs by the last parts of their paths that tell them apart."""
    parts = [path.resolve().parts for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(path_parts[-depth:]) for path_parts in parts]
        if len(set(labels)) == len(labels):
            return labels
    return [str(path) for path in paths]


# --- what the estimators see ------------------------------------------------------------------------------------------


def _side(label: str, run: StudyRun | Comparison, paired: bool | None) -> ComparedRun:
    """Say to the estimators what a run is."""
    from gauger.estimate import ComparedRun

    if isinstance(run, Comparison):
        design, records = run.compared.design, run.compared.records
        # Items are named by what they were matched by, so one that is in both tables is the same item.
        return ComparedRun(label, records, design, "numbered" if design.paired else None, "keys")
    import polars as pl

    settings = resolved_settings(run)
    design = _design(run, settings, paired)
    names = [arm.name for arm in design.arms]
    world = _digest(settings.get("world"))
    seeds = None
    if design.paired:
        seeds = "asked" if paired else _digest([settings.get("seed"), world])
    return ComparedRun(label, run.records.filter(pl.col("arm").is_in(names)), design, seeds, world)


def _design(run: StudyRun, settings: Mapping[str, Any], paired: bool | None) -> Design:
    """Return what the estimators must know of a study, from what its run left behind."""
    from gauger.estimate import Design, FixedRule

    document, estimation = run.document, settings.get("estimation") or {}
    rule = None if document.verdict is None else document.verdict.rule
    kept = {"arm", *RULE, "placebo_margin"}
    return Design(
        arms=tuple(document.arms),
        roles={benchmark.name: benchmark.role for benchmark in document.benchmarks},
        paired=bool(estimation.get("paired", True)) if paired is None else paired,
        moderated=bool(estimation.get("moderated", True)),
        level=float(estimation.get("level", 0.95)),
        rule=None if rule is None else FixedRule(**{name: rule[name] for name in kept if name in rule}),
        unparsed_wrong=settings.get("unparsed") == "wrong",
        skills={benchmark.name: benchmark.skill for benchmark in document.benchmarks if benchmark.skill},
    )


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=list).encode()).hexdigest()


# --- the document -----------------------------------------------------------------------------------------------------


def _document(
    labels: Sequence[str], opened: Sequence[StudyRun | Comparison], sides: Sequence[ComparedRun]
) -> dict[str, Any]:
    from gauger.estimate import compare_runs as estimate

    differences = [estimate(sides[0], side) for side in sides[1:]]
    rest = ", ".join(labels[1:])
    return {
        "schema": ESTIMATES_SCHEMA,
        "study": {
            "name": f"{rest} against {labels[0]}",
            "kind": "runs",
            "question": opened[0].document.study.get("question", ""),
            "runs": [_about(label, run) for label, run in zip(labels, opened, strict=True)],
            "settings": _different_settings(opened),
            "pairs": [
                _pair(labels[0], label, difference) for label, difference in zip(labels[1:], differences, strict=True)
            ],
            "judged": [dict(difference.judged) for difference in differences if difference.judged is not None],
            "versions": {"gauger": version("gauger")},
        },
        "estimates": [dict(row) for difference in differences for row in difference.estimates],
        "verdict": None,
        "arms": opened[0].to_dict()["arms"],
        "benchmarks": opened[0].to_dict()["benchmarks"],
        "warnings": [
            f"{label}: {warning}" for label, run in zip(labels, opened, strict=True) for warning in run.warnings
        ],
    }


def _about(label: str, run: StudyRun | Comparison) -> dict[str, Any]:
    document = run.to_dict()
    names = ("name", "fingerprint", "seed", "replicates", "question")
    return {"run": label, **{name: document["study"].get(name) for name in names}, "verdict": document["verdict"]}


def _pair(first: str, second: str, differences: RunDifferences) -> dict[str, Any]:
    return {
        "run": second, "against": first, "same_seeds": differences.same_seeds, "same_items": differences.same_items,
        "shared_arms": list(differences.shared_arms),
    }  # fmt: skip


def _different_settings(opened: Sequence[StudyRun | Comparison]) -> list[dict[str, Any]]:
    """List the settings that are not alike in all runs, in the order of the first study file."""
    studies = [dict(leaves(resolved_settings(run))) for run in opened if isinstance(run, StudyRun)]
    keys = dict.fromkeys(key for study in studies for key in study)
    return [
        {"key": key, "values": [study.get(key) for study in studies]}
        for key in keys
        if len({json.dumps(study.get(key), sort_keys=True) for study in studies}) > 1
    ]
