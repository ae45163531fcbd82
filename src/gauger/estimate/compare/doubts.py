"""Warns of what a comparison of logs leaves in doubt: scores left out, other headlines, training once, their notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.estimate.compare.prepare import ComparisonQuestion, Prepared
from gauger.estimate.compare.reducers import most_samples
from gauger.measure import ArmLogs, group_weights


def not_scored(ready: Prepared, scales: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the benchmarks without a score from 0 to 1, and say where their own scale is compared instead.

    Parameters
    ----------
    ready : Prepared
        What is compared, and why the rest is left out.
    scales : sequence of mapping
        Rows of what is compared on a scale of its own (`other_scales`).
    """
    sentences = []
    for benchmark, why in ready.left_out.items():
        own = dict.fromkeys(
            f"{row['measure']}, {row['better']} is better" for row in scales if row["benchmark"] == benchmark
        )
        if own:
            sentences.append(f"{benchmark} is compared on its own scale alone ({'; '.join(own)}) and enters no average")
        else:
            sentences.append(f"{benchmark} is not compared: {why}")
    return sentences


def log_reducers(arms: Sequence[ArmLogs], benchmark: str) -> tuple[str, ...]:
    """Return how the logs themselves reduce several samples of an item.

    Parameters
    ----------
    arms : sequence of ArmLogs
    benchmark : str

    Returns
    -------
    tuple of str
        Each name once; empty where no log says.
    """
    return tuple(dict.fromkeys(log.reducer for arm in arms for _, log in arm.on(benchmark) if log.reducer))


def other_headlines(arms: Sequence[ArmLogs], ready: Prepared, question: ComparisonQuestion) -> list[str]:
    """Say where the log's own headline reduces samples in another way than the comparison.

    Parameters
    ----------
    arms : sequence of ArmLogs
    ready : Prepared
        The items that were matched.
    question : ComparisonQuestion
        Says how the comparison reduces them.
    """
    sentences = []
    for b, matched in ready.matched.items():
        own = [name for name in log_reducers(arms, b) if name.replace("pass_at_", "pass@") != question.reduce]
        if own and most_samples(matched.records) > 1:
            named = " and ".join(own)
            sentences.append(
                f"{b}: the log's own headline is the {named} over {most_samples(matched.records)} samples of an item; "
                f"compared is their {question.reduce} (--reduce {own[0]} compares the headline)"
            )
    return sentences


def trained_once(arms: Sequence[ArmLogs]) -> list[str]:
    """Say what the intervals cover of training."""
    trained = [arm for arm in arms if arm.kind in ("distilled", "control")]
    once = [arm.name for arm in trained if arm.n_replicates == 1]
    if len(once) == len(trained):
        return [
            "nothing was trained more than once: every interval covers item sampling alone, and another training seed "
            "would move the numbers further"
        ]
    return [f"{name} was trained once: the noise of its training is taken for twice the other arm's" for name in once]


def log_notes(arms: Sequence[ArmLogs]) -> list[str]:
    """Repeat what was noted while each log was read."""
    notes = [note for arm in arms for note in arm.notes]
    for arm in arms:
        notes += [f"{arm.name}, {doubt}" for doubt in group_weights(arm.first_model)[1]]
        for replicate, log in zip(arm.replicates, arm.logs, strict=True):
            which = f"{arm.name}, replicate {replicate}" if arm.n_replicates > 1 else arm.name
            limited = [log.partial] if log.partial.startswith("limited") else []
            notes += [f"{which}, {log.benchmark}: {note}" for note in (*limited, *log.notes)]
    return notes
