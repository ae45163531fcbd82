"""Tells which logs come from one trained model, which benchmark each is of, and which evaluation of several counts.

1. **A replicate is a trained model, never a folder.** Its name is the model's name in the log, with adapter and
   revision; where logs name no model, the folder without the parts that name a benchmark; and before both, what the
   user's pattern finds, or the number that a records table states.
2. **A benchmark is a task with its arguments**: where one model has a task with several values of an argument, these
   are several benchmarks.
3. **Of several evaluations of one model on one benchmark the newest complete one counts**; all others are named.

No layout of the same files in folders changes any of it (tests/measure/importers/test_identity.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePath

from gauger.errors import InputError, Place
from gauger.measure.importers.log import Log, counted

Split = Mapping[str, tuple[str, ...]]
"""Task -> names of the arguments by which it is several benchmarks."""


@dataclass(frozen=True)
class Identified:
    """The logs that count, each with its replicate number."""

    logs: tuple[Log, ...]
    replicates: tuple[int, ...]
    numbered: bool
    """The logs state their replicate numbers."""
    notes: tuple[str, ...]


def identify(arm: str, logs: Sequence[Log], pattern: str | None = None, split: Split | None = None) -> Identified:
    """Tell trained models, benchmarks and evaluations apart.

    Parameters
    ----------
    arm : str
        The arm's name, for messages.
    logs : sequence of Log
    pattern : str, optional
        Regular expression; what its groups (or else all of it) match in a log's model or path names the replicate.
    split : mapping, optional
        Arguments that tell benchmarks apart besides those that do so within this arm.

    Raises
    ------
    InputError
        The pattern does not match a log.
    """
    logs = _with_models(logs)
    stated = Counter((log.benchmark, log.replicate) for log in logs)
    numbered = not pattern and all(log.replicate is not None for log in logs) and max(stated.values(), default=1) == 1
    keys = [str(log.replicate) for log in logs] if numbered else _keys(logs, pattern)
    logs = _named_by_arguments(logs, {**arguments_that_vary(logs, keys), **(split or {})})
    kept, left_out = _newest_complete(arm, logs, keys)
    kept, fragments = _without_fragments(arm, logs, kept)
    left_out += fragments
    logs, keys = [logs[k] for k in kept], [keys[k] for k in kept]
    numbers = _numbers(keys, numbered or pattern is not None)
    notes = (*left_out, *([] if numbered or pattern else _several_models(arm, logs, keys)))
    return Identified(tuple(logs), tuple(numbers[key] for key in keys), numbered, notes)


def arguments_that_vary(logs: Sequence[Log], keys: Sequence[str]) -> Split:
    """Return the arguments of which one trained model has several values on one task; what is not known is none."""
    seen: dict[tuple[str, str, str], set[str | None]] = {}
    for log, key in zip(logs, keys, strict=True):
        for name in log.arguments:
            seen.setdefault((key, log.task or log.benchmark, name), set())
    for log, key in zip(logs, keys, strict=True):
        for (model, task, name), values in seen.items():
            known = name in log.arguments or log.defaults_left_out
            if known and model == key and task == (log.task or log.benchmark):
                values.add(log.arguments.get(name))
    split: dict[str, tuple[str, ...]] = {}
    for (_, task, name), values in sorted(seen.items()):
        if len(values) > 1 and name not in split.get(task, ()):
            split[task] = (*split.get(task, ()), name)
    return split


def _named_by_arguments(logs: Sequence[Log], split: Split) -> list[Log]:
    """Give every log of a task that is several benchmarks the name of its own."""
    named = []
    for log in logs:
        task = log.task or log.benchmark
        arguments = ", ".join(f"{name}={log.arguments[name]}" for name in split.get(task, ()) if name in log.arguments)
        named.append(replace(log, task=task, benchmark=f"{task} ({arguments})" if arguments else task))
    return named


def _with_models(logs: Sequence[Log]) -> list[Log]:
    """Give a log without a model the one that all other logs of its folder name."""
    of_run: dict[str, set[str]] = {}
    for log in logs:
        if log.model:
            of_run.setdefault(log.run, set()).add(log.model)
    return [
        replace(log, model=next(iter(of_run[log.run]))) if not log.model and len(of_run.get(log.run, ())) == 1 else log
        for log in logs
    ]


def _keys(logs: Sequence[Log], pattern: str | None) -> list[str]:
    """Return what names the trained model of each log."""
    if pattern is not None:
        return [_matched(log, pattern) for log in logs]
    runs = [_run_without_task(log) for log in logs]
    holders = {(log.benchmark, log.model or f"run {run}") for log, run in zip(logs, runs, strict=True)}
    times = Counter(benchmark for benchmark, _ in holders)
    if all(times[log.benchmark] == 1 for log in logs if not log.model):
        runs = [""] * len(logs)  # none of their benchmarks stands elsewhere: nothing says that there are two models
        if len(models := {log.model for log in logs if log.model}) == 1:
            return [f"model {next(iter(models))}"] * len(logs)
    return [f"model {log.model}" if log.model else f"run {run}" for log, run in zip(logs, runs, strict=True)]


def _run_without_task(log: Log) -> str:
    parts = PurePath(log.run).parts
    return "/".join(part for part in parts if part not in (log.benchmark, log.task)) or log.run


def _matched(log: Log, pattern: str) -> str:
    try:
        match = next(filter(None, (re.search(pattern, text) for text in (log.model or "", log.file))), None)
    except re.error as fault:
        raise InputError("a regular expression for --replicate", f"{pattern!r} ({fault})") from None
    if match is None:
        given = f"model {log.model!r}" if log.model else "a log that names no model"
        hint = "The pattern is searched in the model's name and in the file's path: 'seed([0-9]+)', for instance."
        raise InputError(f"a match of --replicate {pattern!r}", given, Place(log.file), hint)
    return "/".join(group for group in match.groups() if group) or match[0]


def _newest_complete(arm: str, logs: Sequence[Log], keys: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the positions of the evaluations that count, and a sentence on each of the others."""
    rivals: dict[tuple[str, str], list[int]] = {}
    for position, (log, key) in enumerate(zip(logs, keys, strict=True)):
        rivals.setdefault((key, log.benchmark), []).append(position)
    kept, sentences = [], []
    for positions in rivals.values():
        best = _best([logs[p] for p in positions])
        kept.append(positions[best])
        for rank, p in enumerate(positions):
            if rank != best:
                sentences.append(_left_out(arm, logs[p], logs[positions[best]]))
    return sorted(kept), sorted(sentences)


def _without_fragments(arm: str, logs: Sequence[Log], kept: Sequence[int]) -> tuple[list[int], list[str]]:
    """Leave out a trained model's evaluation that holds a small part of what those of the others hold.

    Beside whole evaluations of other seeds, a smoke run of one seed is no replicate.
    """
    whole, sentences = [], []
    for p in kept:
        rivals = [logs[k] for k in kept if logs[k].benchmark == logs[p].benchmark and not logs[k].partial]
        full = max((log.n_items for log in rivals), default=0)
        if logs[p].n_items < MIN_SHARE * full:
            why = logs[p].partial or f"{logs[p].n_items} of {full} items"
            shown = logs[p].shown or logs[p].file
            sentences.append(
                f"{arm}, {logs[p].benchmark}: left out {shown!r} ({why}): other trainings have whole evaluations"
            )
        else:
            whole.append(p)
    return whole, sentences


MIN_SHARE = 0.5
"""A replicate with less than this share of the items of another one of its arm was not evaluated whole."""


def _best(logs: Sequence[Log]) -> int:
    """Return the position of the newest complete evaluation; where none is complete, of the fullest."""
    if len(logs) == 1:
        return 0
    full = max(log.n_items for log in logs)
    order = [(not log.partial and log.n_items == full, log.n_items, log.date, _digest(log)) for log in logs]
    return order.index(max(order))


def _digest(log: Log) -> str:
    """Return a digest of the file: of two evaluations of one date the choice must not hang on their folders."""
    return sha256(Path(log.file).read_bytes()).hexdigest() if Path(log.file).is_file() else ""


def _left_out(arm: str, log: Log, chosen: Log) -> str:
    if log.partial:
        why = log.partial
    elif log.n_items < chosen.n_items:
        why = f"{log.n_items} of {chosen.n_items} items"
    elif log.date < chosen.date:
        why = f"of {log.date}, the newer one is of {chosen.date}"
    else:
        why = "another evaluation, or a copy"
    model = f" of {chosen.model!r}" if chosen.model else ""
    return (
        f"{arm}, {log.benchmark}: left out {log.shown or log.file!r} ({why}): one evaluation{model} counts, "
        f"{chosen.shown or chosen.file!r}; trainings that share a name are told apart by --replicate PATTERN"
    )


def _numbers(keys: Sequence[str], numeric: bool) -> dict[str, int]:
    """Number the trained models: by the number that names them, else in the order of their names."""
    names = sorted(
        set(keys), key=lambda key: [(int(part), "") if part.isdecimal() else (-1, part) for part in _parts(key)]
    )
    if numeric and all(name.isdecimal() for name in names) and len({int(name) for name in names}) == len(names):
        return {name: int(name) for name in names}
    return {name: number for number, name in enumerate(names)}


def _parts(key: str) -> list[str]:
    return re.split(r"(\d+)", key)


_SEED = re.compile(r"(?i)(?<![a-z])(?:seed|run|rep|replicate|trial|init|rng|s|r)[-_=. ]?\d+")
"""A part of a model's name that tells seeds apart: a word for it with a number."""
_COUNTER = re.compile(r"(?<![.\d])\d+$")
"""A number at the end: one of seeds where they are counted from 0 or 1 on, else perhaps one of versions."""
_STEP = re.compile(r"(?i)(?:checkpoint|ckpt|step|steps|epoch|iter|tokens|v|version)[-_=. ]?\d+$")
"""Numbers at the end that count something else: one training at several moments, or several versions."""


def _as_seeds_do(models: Sequence[str]) -> bool:
    """Tell whether names differ in a number of seeds alone."""
    if any(_STEP.search(model) for model in models):
        return False
    if len({_SEED.sub("#", model) for model in models}) == 1:
        return True
    ends = sorted(int(counter[0]) for model in models if (counter := _COUNTER.search(model)))
    counted = ends in (list(range(len(models))), list(range(1, len(models) + 1)))
    return counted and len({_COUNTER.sub("#", model) for model in models}) == 1


def _several_models(arm: str, logs: Sequence[Log], keys: Sequence[str]) -> Iterator[str]:
    """Warn where names of models do not differ as those of replicates do, and where nothing names the models."""
    models = list(dict.fromkeys(log.model for log in logs if log.model))
    if len(models) > 1 and not _as_seeds_do(models):
        named = ", ".join(map(repr, models[:4])) + (", ..." if len(models) > 4 else "")
        yield (
            f"{arm}: {len(models)} model names stand for one arm ({named}) and are counted as {len(models)} trainings "
            "of it; if they are different models, give one of them, or name each: "
            "distilled:NAME=PATH (--replicate PATTERN says how trainings are told apart)"
        )
    nameless = {key for key, log in zip(keys, logs, strict=True) if not log.model and log.format != "table"}
    if models and nameless and len(set(keys)) > len(models):
        folders = counted(sorted(key.removeprefix("run ") for key in nameless), "folders")
        yield (
            f"{arm}: logs that name no model, in {folders}, count as trainings of their own beside those that do; if "
            "they are of one model, leave them out (--replicate PATTERN says how trainings are told apart)"
        )
    elif len(nameless) > 1:
        yield (
            f"{arm}: no log names its model, so its {len(nameless)} folders are counted as {len(nameless)} trained "
            "models; if they are one model, give one of them (--replicate PATTERN says how trainings are told apart)"
        )
