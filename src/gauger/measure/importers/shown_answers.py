"""Reads what was asked, the right answer and what the model said, for chosen items of a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.measure.importers import helm
from gauger.measure.importers.contents import Contents, as_lines
from gauger.measure.importers.inspect_file import open_inspect
from gauger.measure.importers.json_lines import chosen_objects


@dataclass(frozen=True)
class ShownAnswer:
    """One item as a log shows it; None where the log does not hold a part."""

    prompt: str | None = None
    right: str | None = None
    reply: str | None = None


ShownReader = Callable[[Contents, frozenset[int]], Iterator[tuple[int, ShownAnswer]]]
"""(a log, 0-based places in its file) -> (place, what stands there) of those that it holds."""


def of_lm_eval(contents: Contents, rows: frozenset[int]) -> Iterator[tuple[int, ShownAnswer]]:
    """Read lm-eval samples; of a multiple-choice task the reply is the choice with the largest log-likelihood."""
    if contents.is_array:
        with as_lines(contents) as lines:
            yield from _of_lines(lines, rows)
    else:
        yield from _of_lines(contents.plain, rows)


def _of_lines(path: Path, rows: frozenset[int]) -> Iterator[tuple[int, ShownAnswer]]:
    last = max(rows, default=-1)
    for place, line in chosen_objects(path, rows, last):
        requests, choices = _requests(line.get("arguments")), _likelihoods(line)
        prompt = str(requests[0][0]) if requests else _text(line.get("doc"))
        if choices and len(choices) == len(requests):
            names = [str(request[1]).strip() for request in requests]
            reply = f"{names[choices.index(max(choices))]} (the most likely of {len(names)})"
            yield place, ShownAnswer(prompt, _of_choices(line.get("target"), names), reply)
        else:
            responses = line.get("resps") or line.get("filtered_resps")
            yield place, ShownAnswer(prompt, _text(line.get("target")), _text(_first(responses)))


def _requests(arguments: Any) -> list[tuple[Any, Any]]:
    """Return (context, continuation or settings) of every request; older versions list pairs, newer ones name them."""
    parts = list(arguments.values()) if isinstance(arguments, dict) else arguments
    if not isinstance(parts, list):
        return []
    pairs = [tuple(part.values()) if isinstance(part, dict) else part for part in parts]
    return [(pair[0], pair[1]) for pair in pairs if isinstance(pair, (tuple, list)) and len(pair) >= 2]


def _likelihoods(line: Mapping[str, Any]) -> list[float]:
    """Return the log-likelihood of each choice; empty where the model wrote its answer."""
    responses = line.get("filtered_resps")
    pairs = responses if isinstance(responses, list) else []
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return []
    try:
        return [float(pair[0]) for pair in pairs]
    except (TypeError, ValueError):
        return []


def _of_choices(target: Any, names: list[str]) -> str | None:
    """Return the text of the right choice where the target is its number, else the target as it stands."""
    number = str(target)
    return names[int(number)] if number.isdecimal() and int(number) < len(names) else _text(target)


def _first(value: Any) -> Any:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def _text(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, dict):
        asked = next((value[key] for key in ("question", "prompt", "input", "problem", "query") if key in value), value)
        return str(asked)
    return value.strip() if isinstance(value, str) else str(value)


def of_inspect(contents: Contents, rows: frozenset[int]) -> Iterator[tuple[int, ShownAnswer]]:
    """Read samples of an Inspect log; the reply is the first completion."""
    with open_inspect(contents.plain) as log:
        for place, (_, sample) in enumerate(log.samples):
            if place in rows:
                yield place, ShownAnswer(_turns(sample.get("input")), _listed(sample.get("target")), _said(sample))


def _turns(value: Any) -> str | None:
    """Return what was shown to the model; Inspect's input is a text or a list of messages."""
    if isinstance(value, list):
        return "\n".join(filter(None, (_message(turn) for turn in value if isinstance(turn, dict)))) or None
    return _text(value)


def _message(message: Mapping[str, Any]) -> str | None:
    """Return the text of a message, whose content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part) or None
    return _text(content)


def _listed(target: Any) -> str | None:
    return " | ".join(map(str, target)) if isinstance(target, list) else _text(target)


def _said(sample: Mapping[str, Any]) -> str | None:
    output = sample.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _message(choices[0].get("message") or {})
    return None


def of_helm(contents: Contents, rows: frozenset[int]) -> Iterator[tuple[int, ShownAnswer]]:
    """Read HELM's answers, whose texts stand in files beside the statistics."""
    texts = helm.texts_beside(contents.path)
    for place, entry in enumerate(contents.value):
        if place in rows and (told := texts.get(helm.answer_key(entry))) is not None:
            yield place, ShownAnswer(*told)
