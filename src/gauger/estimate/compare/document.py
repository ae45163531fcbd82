"""Puts together the document of `gauger compare`: what a report shows of logs, and what logs cannot say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from gauger.estimate.compare.sensitivity import Scoring
from gauger.estimate.design import Design
from gauger.estimate.estimator import StudyEstimates
from gauger.measure import ArmLogs, Matched
from gauger.records import ArmKind, BenchmarkInfo, Document, Role


def comparison_document(
    arms: Sequence[ArmLogs],
    design: Design,
    matched: Mapping[str, Matched],
    result: StudyEstimates,
    scorings: Sequence[Scoring],
    warnings: Sequence[str],
) -> Document:
    """Put a comparison together as a report and `--json` show it; the same logs give the same bytes.

    `study["measures"]` names the score that was compared on each benchmark, `study["extraction"]` holds the uplift
    under every way the logs scored the same outputs (`Scoring.to_dict`).

    Parameters
    ----------
    arms : sequence of ArmLogs
        At least one of them a control or a base; a control is named before a base.
    design : Design
        As the estimators saw it.
    matched : mapping of benchmark -> Matched
        The items that were compared.
    result : StudyEstimates
        All estimates.
    scorings : sequence of Scoring
        The primary way of scoring and all others.
    warnings : sequence of str
        In the order in which they are to be read; repeated ones stand once.

    Returns
    -------
    Document
        Of kind `compare`, without a verdict: logs have no threshold that was fixed before.

    Notes
    -----
    Tested in tests/estimate/test_comparison.py.
    """
    students = " and ".join(arm.name for arm in arms if arm.kind == "distilled")
    control = next(arm.name for kind in ("control", "base") for arm in arms if arm.kind == kind)
    return Document(
        study={
            "name": f"{students} against {control}",
            "fingerprint": _fingerprint(matched, result, design),
            "question": f"How much more does {students} score than {control} on the same items?",
            "kind": "compare",
            "replicates": {arm.name: arm.n_replicates for arm in arms},
            "paired": design.paired,
            "measures": {scoring.benchmark: scoring.measure for scoring in scorings if scoring.primary},
            "extraction": [scoring.to_dict() for scoring in scorings],
            "versions": {"gauger": version("gauger")},
        },
        estimates=result.estimates,
        arms=design.arms,
        benchmarks=[BenchmarkInfo(b, design.roles.get(b, ""), benchmark.n_items) for b, benchmark in matched.items()],
        outcomes=result.outcomes,
        seeds=result.seeds,
        threats=_threats(design),
        limits=_limits(design),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _fingerprint(matched: Mapping[str, Matched], result: StudyEstimates, design: Design) -> str:
    """Return a digest of what was compared and of every number: benchmarks, items, estimates, and the switches.

    Neither the order of files nor that of lines shows in it.
    """
    switches = (design.paired, design.moderated, design.level, design.unparsed_wrong)
    compared = sorted((name, benchmark.n_items, benchmark.key) for name, benchmark in matched.items())
    numbers = [estimate.to_dict() for estimate in result.estimates]
    return sha256(json.dumps([switches, compared, numbers]).encode()).hexdigest()[:16]


def _threats(design: Design) -> tuple[Mapping[str, Any], ...]:
    """Say how a comparison of logs stands on the five threats: logs alone control few of them."""
    control = design.first(ArmKind.MATCHED) is not None
    roles = set(design.roles.values())
    apart = Role.TARGETED in roles and len(roles) > 1
    return (
        _threat("Seeds", "Did the benchmarks' own training sets seed the teacher?", "The logs do not say.", "open"),
        _threat(
            "Mixture",
            "Is the gain the teacher's, or that of other data?",
            "The control's score is subtracted; whether it had the same tokens, steps and format is not in the logs."
            if control
            else "No control was given: everything the training did is credited to the teacher.",
            "partly" if control else "open",
        ),
        _threat(
            "Benchmarks",
            "Does the gain carry over to what was not targeted?",
            "Targeted benchmarks are kept apart from others by the roles given."
            if apart
            else "No targeted benchmark with others beside it was named (--role), so carry-over is not known.",
            "partly" if apart else "open",
        ),
        _threat("Context", "Is this the work of one stage among many?", "The logs show finished models only.", "open"),
        _threat("Scale", "Does it hold for stronger students?", "One size of student is compared.", "open"),
    )


def _threat(threat: str, question: str, answer: str, stands: str) -> Mapping[str, Any]:
    return {"threat": threat, "question": question, "answer": answer, "stands": stands}


def _limits(design: Design) -> tuple[str, ...]:
    limits = [
        "Logs do not say what a model was trained on: whether the control had the same tokens, steps and format, and "
        "what seeded the teacher, is not shown here.",
        "Whether benchmark items stood in the training data was not examined.",
    ]
    single = [str(arm.kind) for arm in design.of_kind(ArmKind.BASE, ArmKind.TEACHER)]
    if single:
        limits.append(f"{' and '.join(single).capitalize()} count as one model each: nothing is said of others.")
    if not design.roles:
        limits.append("No roles were given (--role BENCHMARK=ROLE), so carry-over and memorisation are not reported.")
    return tuple(limits)
