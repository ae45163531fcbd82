"""Guesses a text's language: by script, and for a few languages in Latin letters by their commonest words.

This is a heuristic. It tells texts of some length in unlike languages apart, and says nothing (None) of short texts, of
formulas and code, and of languages that it does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPWORDS: dict[str, frozenset[str]] = {
    "en": _words("the of and to in is that it for was with as his on be at by this had not are but from have"),
    "de": _words("der die und den von zu das mit sich des auf ist im dem nicht ein eine als auch es wird"),
    "fr": _words("le la les et des du est une dans que qui pour au il par sur pas plus ne se ce sont avec"),
    "es": _words("el los las y que del se por con una para su al lo como más pero sus es está fue"),
    "it": _words("il di che è la per un una sono con non si da come le dei del della nel anche gli più"),
    "pt": _words("o os as que do da em um uma para com não por mais dos das se na ao foi são é"),
    "nl": _words("de het een van en is dat op te zijn met voor niet aan er om ook als maar bij wordt"),
}
"""Language -> some of its commonest words."""
SCRIPTS = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
}
"""Script -> the language that it is taken for (Cyrillic may be others than Russian, and so on)."""
LANGUAGES = tuple(sorted({*STOPWORDS, *SCRIPTS.values()}))
_FEWEST_WORDS = 8
_LEAST_STOPWORDS = 0.12
"""Share of words below which nothing is said of a text in Latin letters."""
_LEAST_LETTERS = 0.5
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str | None:
    """Return a code of `LANGUAGES`, or None where the text does not tell."""
    words = _WORD.findall(text.casefold())
    scripts = Counter(_script(letter) for word in words for letter in word)
    if not scripts:
        return None
    if scripts["ja"] and scripts["ja"] + scripts["zh"] > _LEAST_LETTERS * scripts.total():
        return "ja"
    script, count = scripts.most_common(1)[0]
    if count <= _LEAST_LETTERS * scripts.total():
        return None
    return _latin(words) if script == "" else script


def _script(letter: str) -> str:
    """Return the language that a letter's script is taken for; empty for Latin and all others."""
    return SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0], "")


def _latin(words: list[str]) -> str | None:
    if len(words) < _FEWEST_WORDS:
        return None
    shares = {code: sum(word in common for word in words) / len(words) for code, common in STOPWORDS.items()}
    (first, most), (_, second) = Counter(shares).most_common(2)
    return first if most >= _LEAST_STOPWORDS and most > second else None
