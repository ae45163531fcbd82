"""Finds the words of many texts at once, and hashes each: numpy over the bytes, no Python per word.

1. What counts: letters in lower case and compatibility form, digits, and a sign that calculates where a number follows
   (+ - * / = < > % ^). Everything else only parts words.
2. A number keeps the points and commas inside it. Writing without spaces (Chinese, Japanese kana, Thai, ...) gives one
   word a character.
3. A word's hash mixes its bytes by eights. That of a run of n words is a polynomial modulo 2^64 with an odd base: with
   running sums H and the base's powers, (H[end] - H[start]) base^-start, because an odd number has an inverse there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_letters, digits

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]
_Bytes = NDArray[np.uint8]

_GAP, _LETTER, _DIGIT, _POINT, _SIGN = 0, 1, 2, 3, 4
_SPELLINGS = (("−", "-"), ("–", "-"), ("×", "*"), ("·", "*"), ("÷", "/"))
_RUN_BASE = 0xC2B2AE3D27D4EB4F
_MIX = np.uint64(0xD6E8FEB86659FD93)
NUMBER = np.uint64(0x5851F42D4C957F2D)
"""Stands for every number where numbers do not count."""
_SPACE = 0x20
_EIGHT, _HASHED = 8, 64
"""Bytes that are read at once, and bytes of a word that count beside its length (nobody's word is longer)."""


@dataclass(frozen=True)
class WordsOfTexts:
    """The words of a sequence of texts, one after another."""

    start: Ints
    """First byte of each word, from the beginning of its text as it is compared (`comparable`)."""
    end: Ints
    """The byte after its last."""
    text: Ints
    """Which text it stands in."""
    exact: Hashes
    """Hash of each word."""
    masked: Hashes
    """The same with every number alike."""

    def __len__(self) -> int:
        return len(self.start)

    def of(self, text: int) -> slice:
        """Return where the words of one text stand."""
        first, last = np.searchsorted(self.text, [text, text + 1])
        return slice(int(first), int(last))


def comparable(text: str) -> str:
    """Return a text in the form in which it is compared: plain ASCII as it is, anything else in NFKC, case folded."""
    if text.isascii():
        return text
    for sign, plain in _SPELLINGS:
        text = text.replace(sign, plain)
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(texts: Sequence[str]) -> WordsOfTexts:
    """Find the words of texts; unpaired surrogates part words like any other sign."""
    encoded = [comparable(text).encode("utf-8", "replace") for text in texts]
    return words_of_bytes(encoded, all(text.isascii() for text in texts))


def words_of_bytes(encoded: Sequence[bytes], is_ascii: bool) -> WordsOfTexts:
    """Find the words of texts that are comparable already.

    Parameters
    ----------
    encoded : sequence of bytes
        UTF-8.
    is_ascii : bool
        Whether no byte is above 127, which saves looking at letters of several bytes.
    """
    whole = b"\n".join((b"", *encoded, b""))
    begins = np.cumsum([1, *(len(content) + 1 for content in encoded)])
    alone = None
    if not is_ascii:
        raw, alone = _wide(np.frombuffer(whole, np.uint8))
        whole = raw.tobytes()
    kind = np.frombuffer(bytearray(whole.translate(_KINDS)), np.uint8)
    _judge_signs(whole, kind)
    edge = kind[1:] != kind[:-1]
    if alone is not None:
        edge |= alone[1:]
    borders = np.flatnonzero(edge) + 1
    is_word = kind[borders[:-1]] != _GAP
    start, end = borders[:-1][is_word], borders[1:][is_word]
    text = np.repeat(np.arange(len(encoded)), np.diff(np.searchsorted(start, begins)))
    exact = _hash(whole, start, end - start)
    masked = np.where(kind[start] == _DIGIT, NUMBER, exact)
    return WordsOfTexts(start - begins[text], end - begins[text], text, exact, masked)


def run_hashes(words: Hashes, n: int) -> Hashes:
    """Return the hash of every run of n words: element k is that of words k to k + n - 1."""
    if len(words) < n:
        return np.zeros(0, np.uint64)
    power, inverse = _powers(_RUN_BASE, _room(len(words)))
    sums = np.cumsum(words * power[: len(words)], dtype=np.uint64)
    runs = sums[n - 1 :].copy()
    runs[1:] -= sums[:-n]
    return mixed(runs * inverse[: len(runs)])


def hashes_of_runs(words: Hashes, at: Ints, n: int) -> Hashes:
    """Return the hash of the run of n words that begins at each of these places: as `run_hashes`, for a few of them."""
    power, _ = _powers(_RUN_BASE, _room(n))
    total = np.zeros(len(at), np.uint64)
    for step in range(n):
        total += words[at + step] * power[step]
    return mixed(total)


def mixed(values: Hashes) -> Hashes:
    """Spread every bit over the upper ones."""
    return (values ^ (values >> np.uint64(32))) * _MIX


def _hash(whole: bytes, start: Ints, length: Ints) -> Hashes:
    """Hash words by eight bytes at a time: h <- mixed(h ^ next eight bytes), from the length on."""
    folded = whole.translate(_LOWER) + bytes(_EIGHT)
    eight = np.ndarray((len(whole),), "<u8", folded, 0, (1,))
    hashes = mixed(length.astype(np.uint64) * _MIX ^ (eight[start] & _MASKS[np.minimum(length, _EIGHT)]))
    longer = np.flatnonzero(length > _EIGHT)
    for done in range(_EIGHT, _HASHED, _EIGHT):
        if not len(longer):
            break
        next_eight = eight[start[longer] + done] & _MASKS[np.minimum(length[longer] - done, _EIGHT)]
        hashes[longer] = mixed(hashes[longer] ^ next_eight)
        longer = longer[length[longer] > done + _EIGHT]
    return hashes


def _judge_signs(whole: bytes, kind: _Bytes) -> None:
    """Keep a point within a number, and a sign before one but no row of them (**12**); the others part words."""
    raw = np.frombuffer(whole, np.uint8)
    at = np.flatnonzero(kind >= _POINT)
    before, after, next_but_one = kind[at - 1], kind[at + 1], kind[np.minimum(at + 2, len(kind) - 1)]
    spaced = (raw[at + 1] == _SPACE) & (next_but_one == _DIGIT)
    is_point = kind[at] == _POINT
    inside = is_point & (before == _DIGIT) & (after == _DIGIT)
    sign = ~is_point & (before != _SIGN) & ((after == _DIGIT) | spaced)
    kind[at] = np.select([inside, sign], [_DIGIT, _SIGN], _GAP)


def _room(n: int) -> int:
    return 1 << max(12, int(n).bit_length())


@cache
def _powers(base: int, n: int) -> tuple[Hashes, Hashes]:
    """Return base^k and base^-k modulo 2^64 for k = 0 ... n - 1."""
    inverse = pow(base, -1, 1 << 64)
    return tuple(  # type: ignore[return-value]
        np.concatenate([[np.uint64(1)], np.full(n - 1, factor, np.uint64)]).cumprod(dtype=np.uint64)
        for factor in (base, inverse)
    )


def _kinds() -> bytes:
    kinds = bytearray([_GAP] * 128 + [_LETTER] * 128)
    for letters, kind in ((ascii_letters, _LETTER), (digits, _DIGIT), (".,", _POINT), ("+-*/=<>%^", _SIGN)):
        for letter in letters:
            kinds[ord(letter)] = kind
    return bytes(kinds)


_KINDS = _kinds()
_LOWER = bytes(range(256)).lower()
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(_EIGHT + 1)], np.uint64)


_BLANK: tuple[tuple[int, range, range | None], ...] = (
    (0xC2, range(0xA0, 0xC0), None),  # Latin-1 signs
    (0xC3, range(0x97, 0x98), None),  # multiplication
    (0xC3, range(0xB7, 0xB8), None),  # division
    (0xD8, range(0x8C, 0x8D), None),  # Arabic comma
    (0xD8, range(0x9B, 0xA0), None),  # Arabic semicolon, question mark
    (0xE2, range(0x80, 0xB0), range(0x80, 0xC0)),  # general punctuation, arrows, operators, boxes
    (0xE3, range(0x80, 0x81), range(0x80, 0xC0)),  # Chinese and Japanese punctuation
    (0xEF, range(0xBC, 0xBE), range(0x80, 0xC0)),  # forms of other widths that NFKC leaves
    (0xE0, range(0xA5, 0xA6), range(0xA4, 0xA6)),  # danda
)  # fmt: skip
"""(first byte, second bytes, third bytes) of signs that part words; None: signs of two bytes."""


def _wide(raw: _Bytes) -> tuple[_Bytes, NDArray[np.bool_]]:
    """Blank signs of several bytes; also mark the first bytes of characters that are words of their own."""
    raw = raw.copy()
    padded = np.concatenate([raw, np.zeros(2, np.uint8)])
    for lead, seconds, thirds in _BLANK:
        at = np.flatnonzero(raw == lead)
        at = at[np.isin(padded[at + 1], list(seconds))]
        if thirds is None:
            raw[at] = raw[at + 1] = _SPACE
        else:
            at = at[np.isin(padded[at + 2], list(thirds))]
            raw[at] = raw[at + 1] = raw[at + 2] = _SPACE
    emoji = np.flatnonzero(raw == 0xF0)
    emoji = emoji[padded[emoji + 1] == 0x9F]
    for step in range(4):
        raw[emoji + step] = _SPACE
    return raw, _characters_alone(raw)


def _characters_alone(raw: _Bytes) -> NDArray[np.bool_]:
    """Mark where a character without spaces around it begins, and where what follows one does."""
    second = np.concatenate([raw[1:], np.zeros(1, np.uint8)])
    thai = (raw == 0xE0) & (second >= 0xB8) & (second <= 0xBB)
    khmer = (raw == 0xE1) & (((second >= 0x80) & (second <= 0x82)) | (second == 0x9E) | (second == 0x9F))
    lead = ((raw >= 0xE3) & (raw <= 0xE9)) | thai | khmer
    alone: NDArray[np.bool_] = lead.copy()
    alone[3:] |= lead[:-3]
    return alone
