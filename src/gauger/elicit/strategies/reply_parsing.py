"""Reads a list of problems, a ranking or a final answer from a reply; None or empty where it cannot be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_MARK = re.compile(
    r"^[ \t]*(?:[*_#]{1,4}[ \t]*)?(?:(?:problem|question|exercise|task)[ \t]+)?"
    r"(\d{1,3})[ \t]*[*_]{0,2}[.):][*_]{0,2}(?=\s|$)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+(?=\S)")
_FENCE = re.compile(r"^```\w*[ \t]*\n(.*?)\n?```[ \t]*$", re.DOTALL | re.MULTILINE)
_RANKING = re.compile(r"^[^\w\n]*ranking[^\w\n]*((?:\d+[^\d\n]*)+)$", re.IGNORECASE | re.MULTILINE)
_FINAL = (
    re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE),
    re.compile(r"^[ \t]*####[ \t]*(\S.*)$", re.MULTILINE),
    re.compile(r"^#+[ \t]*(?:the[ \t]+)?(?:final[ \t]+)?answer[ \t*_]*\n\s*(\S.*)$", re.I | re.M),
    re.compile(r"^[^\w\n]*(?:the[ \t]+)?(?:final[ \t]+)?answer[ \t]*(?:is)?[*_]*[ \t]*:[ \t*_]*(\S.*)$", re.I | re.M),
    re.compile(
        r"(?:^[^\w\n]*|[.!?:;,][ \t]+|\b(?:so|thus|hence|therefore)[ \t]+)the[ \t]+(?:(?:final|correct)[ \t]+)?answer"
        r"[ \t]+is[ \t*_]*(?![ \t*_]*:)(\S.*)$",
        re.I | re.M,
    ),
)
_BOXED = "\\boxed{"


def list_items(text: str) -> list[str]:
    """Read a list: numbered (1., 2) or **3.**, also "Problem 4:"), a JSON array of texts, or bulleted.

    A number opens an item only if it is the next one, so that a line of an item that begins with another number stays
    part of it. Text before the first item is left out, and an item without text, too.
    """
    text = _unfenced(text).strip()
    return _json_items(text) or _split(text, _numbered(text)) or _split(text, _bulleted(text))


def _unfenced(text: str) -> str:
    fence = _FENCE.search(text)
    return fence[1] if fence and not text.replace(fence[0], "").strip() else text


def _json_items(text: str) -> list[str]:
    if not text.startswith("["):
        return []
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return []
    return [item.strip() for item in value if item.strip()]


def _numbered(text: str) -> Iterator[tuple[int, int]]:
    """Yield (first line of an item, characters of its mark)."""
    expected: int | None = None
    for place, line in enumerate(text.split("\n")):
        mark = _MARK.match(line)
        number = int(mark[1]) if mark else None
        if mark and (number == expected or (expected is None and number in (0, 1))):
            expected = int(mark[1]) + 1
            yield place, mark.end()


def _bulleted(text: str) -> Iterator[tuple[int, int]]:
    for place, line in enumerate(text.split("\n")):
        if bullet := _BULLET.match(line):
            yield place, bullet.end()


def _split(text: str, marks: Iterator[tuple[int, int]]) -> list[str]:
    lines, starts = text.split("\n"), list(marks)
    if not starts:
        return []
    ends = [place for place, _ in starts[1:]] + [len(lines)]
    items = []
    for (place, skipped), end in zip(starts, ends, strict=True):
        mark, rest = lines[place][:skipped], lines[place][skipped:]
        item = "\n".join([rest, *lines[place + 1 : end]]).strip()
        opened = mark.count("**") == 1
        items.append(item[:-2].rstrip() if opened and item.endswith("**") else _unbold(item))
    return [item for item in items if item]


def _unbold(item: str) -> str:
    """Take away emphasis around a whole item."""
    for mark in ("**", "__"):
        if item.startswith(mark) and item.endswith(mark) and item.count(mark) == 2 and len(item) > 2 * len(mark):
            return item[len(mark) : -len(mark)].strip()
    return item


def ranking(text: str, count: int) -> tuple[int, ...] | None:
    """Read the last line "Ranking: 2, 1, 3" as 0-based places, best first.

    Returns
    -------
    tuple of int or None
        None where there is no such line, or it does not name each of the `count` answers once.
    """
    lines = list(_RANKING.finditer(text))
    if not lines:
        return None
    order = tuple(int(number) - 1 for number in re.findall(r"\d{1,9}", lines[-1][1]))
    return order if sorted(order) == list(range(count)) else None


def final_answer(text: str) -> str:
    r"""Return the answer that a text ends with: in <answer></answer>, \boxed{}, after #### or "Answer:", in a
    sentence "The answer is", else all.

    Of several the last one counts.
    """
    matches = [match for pattern in _FINAL for match in pattern.finditer(text)]
    boxed = text.rfind(_BOXED)
    last = max(matches, key=lambda match: match.start(), default=None)
    if boxed >= 0 and (last is None or boxed > last.start() or _BOXED in last[1]):
        return _balanced(text[boxed + len(_BOXED) :]).strip()
    return last[1].strip().strip("*_").strip() if last else text.strip()


def _balanced(text: str) -> str:
    """Return the text up to the brace that closes it."""
    depth = 1
    for place, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[:place]
    return text
