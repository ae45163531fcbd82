"""Turns one sample of an Inspect log into rows: identity, outcome, and scores on the 0-1 scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from gauger.errors import InputError, Place
from gauger.records import Outcome

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0}
"""Inspect's grades; N, no answer, is an outcome."""
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}

UNSCORED = ""
"""Metric of a sample that no scorer reached: it stands for every metric of the log."""
NO_NUMBER = "no number: "
"""Begins what stands in place of an outcome where a value is text or a list: its measure can not be compared."""

Sample = Mapping[str, Any]


def sample_rows(row: int, sample: Sample, by: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield one row (`log.ROWS`) per measure of a sample; a sample without scores gives one with an empty metric.

    A value that is no score gives `NO_NUMBER` and the value instead of an outcome.

    Parameters
    ----------
    row : int
        0-based number of the sample.
    sample : mapping
        As Inspect writes it.
    by : str, optional
        Key of the sample's metadata to group items by.
    """
    name = str(sample.get("id"))
    target = sample.get("target") or ""
    position = f"{name}:{_hash(target if isinstance(target, str) else chr(31).join(map(str, target)))[:16]}"
    group = (sample.get("metadata") or {}).get(by) if by else None
    question, prompt = _asked(sample)
    identity = (None, position, name, f"sample {name}", _epoch(sample) - 1, None, question, prompt)
    failure = failure_of(sample)
    for metric, value in _scores(sample) or [(UNSCORED, None)]:
        outcome, score = (failure, None) if failure else _outcome(value)
        yield (row, *identity, None if group is None else str(group), "", metric, str(outcome), score)


def failure_of(sample: Sample) -> Outcome | None:
    """Return the outcome of a sample whose scores must not be read; None for a sound one."""
    if sample.get("error") is not None or sample.get("invalidation") is not None:
        return Outcome.FAILED
    if not _scored(sample):
        return Outcome.TRUNCATED if sample.get("limit") is not None else Outcome.FAILED
    return None


def cut_off(sample: Sample) -> bool:
    """Tell whether an answer ended at the token limit."""
    choices = (sample.get("output") or {}).get("choices") or []
    return any(choice.get("stop_reason") == "max_tokens" for choice in choices)


MOST_EPOCHS = 1_000_000
"""No evaluation asks an item more often."""


def _epoch(sample: Sample) -> int:
    epoch = sample.get("epoch")
    if epoch is None:
        return 1
    if not isinstance(epoch, int) or not 1 <= epoch <= MOST_EPOCHS:
        given = f"{repr(epoch)[:40]} in sample {sample.get('id')}"
        raise InputError(f"an epoch from 1 to {MOST_EPOCHS:,}", given, Place(key="epoch"))
    return epoch


def _scored(sample: Sample) -> Mapping[str, Any]:
    """Return scorer -> score; logs of the first schema hold a single one."""
    scores = sample.get("scores")
    if not scores and isinstance(sample.get("score"), dict):
        return {"score": sample["score"]}
    return scores if isinstance(scores, dict) else {}


def _scores(sample: Sample) -> list[tuple[str, Any]]:
    """Return (measure, value) pairs; a scorer that returns a mapping gives one measure per key."""
    pairs: list[tuple[str, Any]] = []
    for name, score in _scored(sample).items():
        value = score.get("value") if isinstance(score, dict) else None
        if isinstance(value, dict):
            pairs += [(f"{name}/{key}", inner) for key, inner in value.items()]
        else:
            pairs.append((name, value))
    return pairs


def _outcome(value: Any) -> tuple[Outcome | str, float | None]:
    if value == "N":
        return Outcome.UNPARSED, None
    if value is None:
        return Outcome.FAILED, None
    score = value_to_score(value)
    if score is None:
        return f"{NO_NUMBER}{str(value)[:40]!r}", None
    return (Outcome.SCORED, score) if math.isfinite(score) else (Outcome.FAILED, None)


def value_to_score(value: Any) -> float | None:
    """Return a score's value as a number; None where it is not one.

    Unlike Inspect's own conversion, an unknown word is no 0: it is not a score at all.
    """
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, str):
        return None
    known = LETTERS.get(value, WORDS.get(value.lower()))
    if known is not None:
        return known
    try:
        return float(value)
    except ValueError:
        return None


def _asked(sample: Sample) -> tuple[str, str]:
    """Hash what the sample asks: input and choices, whatever their order, and as they were shown.

    Ids that Inspect gives messages are no part of it; pictures, recordings and what it moved to `attachments` are.
    """
    asked, attachments = sample.get("input") or "", sample.get("attachments") or {}
    turns = [asked] if isinstance(asked, str) else [f"{turn.get('role')}:{_text(turn)}" for turn in asked]
    turns = [_resolved(turn, attachments) for turn in turns]
    choices = [str(choice) for choice in sample.get("choices") or []]
    shown = "\x1f".join([*turns, *choices])
    if len(choices) < 2:
        return (_hash(shown),) * 2
    return _hash("\x1f".join([*turns, *sorted(choices)])), _hash(shown)


def _text(turn: Mapping[str, Any]) -> str:
    content = turn.get("content")
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or _medium(part) for part in content or [] if isinstance(part, dict))


_MEDIA = ("image", "audio", "video", "document", "data")


def _medium(part: Mapping[str, Any]) -> str:
    """Return what tells a picture or a recording from another: of a path the file's name, for folders differ."""
    values = [str(part[kind]) for kind in _MEDIA if part.get(kind)]
    shown = "".join(v if "://" in v or v.startswith("data:") else PurePath(v).name for v in values)
    return f"\x1e{shown}\x1e" if shown else ""


def _resolved(text: str, attachments: Mapping[str, Any]) -> str:
    if "attachment://" not in text or not attachments:
        return text
    for key, value in attachments.items():
        text = text.replace(f"attachment://{key}", str(value))
    return text


def _hash(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
