"""Says what differs between the sides besides the model: settings, prompts, and what is not known of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from gauger.measure.importers.arm import ArmLogs
from gauger.measure.importers.log import counted

_SHOWN_LETTERS = 60


def setting_differences(arms: Sequence[ArmLogs], benchmarks: Sequence[str]) -> list[str]:
    """Say which settings are not the same in all logs, one sentence per difference with its benchmarks.

    A setting that some logs state and others, which state anything at all, do not, is a difference too. Logs that
    state nothing are named once.
    """
    where: dict[str, list[str]] = {}
    for benchmark in benchmarks:
        for sentence in _differences_on(arms, benchmark):
            where.setdefault(sentence, []).append(benchmark)
    return [f"{sentence}, on {_names(affected)}" for sentence, affected in where.items()] + _unknown(arms, benchmarks)


def prompt_differences(matched: Mapping[str, pl.DataFrame], first: str, benchmark: str) -> list[str]:
    """Say for how many items another arm was shown another prompt than the first arm.

    Parameters
    ----------
    matched : mapping of arm -> pl.DataFrame
        Columns code, label, prompt: the items that are compared.
    first : str
        The arm the others are held against.
    benchmark : str
    """
    sentences = []
    for arm, rows in matched.items():
        if arm == first:
            continue
        if _alike(matched[first], rows):
            continue
        pairs = matched[first].join(rows, on="code", suffix="_other", maintain_order="left")
        both = pairs.filter(pl.col("prompt") != pl.col("prompt_other"))
        if not both.is_empty():
            sentences.append(
                f"{benchmark}: {first} and {arm} were shown different prompts for "
                f"{counted(both['label'].to_list(), 'items')} of {matched[first].height}"
            )
    return sentences


def _alike(rows: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Tell quickly that two arms were shown the same prompts in the same order."""
    return rows["code"].equals(other["code"]) and rows["prompt"].equals(other["prompt"])


def _differences_on(arms: Sequence[ArmLogs], benchmark: str) -> Iterator[str]:
    stated = {arm.name: [log.settings for _, log in arm.on(benchmark) if log.settings] for arm in arms}
    names = dict.fromkeys(name for settings in stated.values() for of_log in settings for name in of_log)
    for name in names:
        values = {arm: list(dict.fromkeys(of_log.get(name, "none") for of_log in logs)) for arm, logs in stated.items()}
        if len({value for texts in values.values() for value in texts}) > 1:
            yield f"{name} differ: " + "; ".join(
                f"{arm} {' and '.join(_short(value) for value in texts)}" for arm, texts in values.items() if texts
            )


def _unknown(arms: Sequence[ArmLogs], benchmarks: Sequence[str]) -> list[str]:
    silent = [
        arm.name
        for arm in arms
        if any(
            not log.settings and log.format in ("lm-eval", "inspect")
            for benchmark in benchmarks
            for _, log in arm.on(benchmark)
        )
    ]
    if not silent:
        return []
    return [
        f"the settings of {' and '.join(silent)} are not known (no results_*.json of the same date stands beside the "
        "samples), so whether both sides have the same ones was not checked"
    ]


def _names(benchmarks: Sequence[str]) -> str:
    if len(benchmarks) <= 3:
        return ", ".join(benchmarks)
    return f"{len(benchmarks)} benchmarks ({', '.join(benchmarks[:3])}, ...)"


def _short(value: str) -> str:
    """Show a value so that it can be told from another: in quotes, but for words, numbers and JSON."""
    flat = " ".join(value.split())
    if flat != value or not _BARE.fullmatch(value):
        flat = repr(value)
    return flat if len(flat) <= _SHOWN_LETTERS else f"{flat[:_SHOWN_LETTERS]}..."


_BARE = re.compile(r"[\w.+-]+|[\[{].*[\]}]")
