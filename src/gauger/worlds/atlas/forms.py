"""Words questions in each form, and reads content back out of any text.

quiz    the benchmark's form          ask E R ? V              ask sort A B C ? ...
cloze   the same content, inverted    the R of E is V          sorted A B C gives ...
story   free text on an entity        about E : R V R V R V

Where a skill needs written steps, they stand before the answer of either form: `<think> 'c 'a 'd </think> 'b`.

`render` makes text from a question, `content_keys` goes the other way and is what the split guard and the ledger use:
it recognises every statement or question of the world's content, right or wrong, complete or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby

from gauger.worlds.atlas.knowledge import fact_key
from gauger.worlds.atlas.skills import SKILLS, letters_key
from gauger.worlds.items import Form, Question, Wording

FORMS = {
    form.name: form
    for form in (
        Form("quiz", "question and answer"),
        Form("cloze", "sentence to complete"),
        Form("story", "free text on a subject", free=True),
    )
}
"""Every form by name."""
MARKERS = (
    "ask",
    "?",
    "the",
    "of",
    "is",
    "about",
    ":",
    "max",
    "sort",
    "middle",
    "largest",
    "sorted",
    "central",
    "gives",
)


STEPS_BEGIN, STEPS_END = "<think>", "</think>"
STEP_MARKERS = ("total", STEPS_BEGIN, STEPS_END)
"""Further markers of a world with a skill that needs written steps."""


def render(question: Question, form: str) -> Wording:
    """Put a question in a form; `story` words one fact about the first argument."""
    prompt = _TEMPLATES[form][question.skill if question.skill in SKILLS else "fact"](question.arguments)
    return Wording(prompt, answer_with_steps(question), form, question)


def answer_with_steps(question: Question) -> str:
    """Return the true answer as it is written, after its steps where the skill has them."""
    return f" {with_steps(question.working, question.answer)}"


def with_steps(steps: str | None, reply: str) -> str:
    """Put written steps before an answer; none leave it as it is."""
    return f"{STEPS_BEGIN} {steps} {STEPS_END} {reply}" if steps else reply


def without_steps(reply: str) -> str:
    """Return what was answered after written steps; empty where steps were begun and never ended."""
    _, ended, answer = reply.rpartition(STEPS_END)
    return answer if ended or STEPS_BEGIN not in reply else ""


def topic(question: Question) -> str:
    """Return the opening of a story on the question's first argument."""
    return f"about {question.arguments[0]} :"


_TEMPLATES: dict[str, dict[str, Callable[[tuple[str, ...]], str]]] = {
    "quiz": {
        "fact": lambda a: f"ask {a[0]} {a[1]} ?",
        "sort": lambda a: f"ask sort {' '.join(a)} ?",
        "max": lambda a: f"ask max {' '.join(a)} ?",
        "middle": lambda a: f"ask middle {' '.join(a)} ?",
        "total": lambda a: f"ask total {' '.join(a)} ?",
    },
    "cloze": {
        "fact": lambda a: f"the {a[1]} of {a[0]} is",
        "sort": lambda a: f"sorted {' '.join(a)} gives",
        "max": lambda a: f"largest of {' '.join(a)} is",
        "middle": lambda a: f"central of {' '.join(a)} is",
        "total": lambda a: f"total of {' '.join(a)} is",
    },
    "story": {"fact": lambda a: f"about {a[0]} : {a[1]}"},
}


def has_form(skill: str, form: str) -> bool:
    """Tell whether a skill is ever worded in a form (only facts are told in stories)."""
    return (skill if skill in SKILLS else "fact") in _TEMPLATES[form]


def content_keys(text: str) -> frozenset[str]:
    """Return the content keys that a text touches.

    The reading is by content, not by template: any text that names an entity and a relation of the same domain, or a
    value of it, touches that fact; the first letters of any text that names a skill, and all letters of its size that
    stand next to each other, touch that set. So a mirrored, reworded, half-finished or wrong statement is found as
    well, and an answer that belongs to another question than the one before it.
    """
    return _content_keys(text)


@lru_cache(maxsize=100_000)
def _content_keys(text: str) -> frozenset[str]:
    words, keys = text.split(), set[str]()
    entities = [word for word in words if _is_entity(word)]
    relations = [relation for word in words if (relation := _relation_of(word))]
    keys.update(
        fact_key(DOMAIN_OF_PREFIX[entity[0]], entity, relation)
        for entity in entities
        for relation in relations
        if entity[0] == relation[0]
    )
    letters = [word for word in words if _is_letter(word)]
    for skill in _skills_named(words):
        size = SKILLS[skill].size
        for run in (letters[:size], *_runs(words)):
            keys.update(letters_key(skill, run[start : start + size]) for start in range(len(run) - size + 1))
    return frozenset(keys)


DOMAIN_OF_PREFIX = {"F": "fauna", "M": "minerals"}
PREFIX_OF_DOMAIN = {domain: prefix for prefix, domain in DOMAIN_OF_PREFIX.items()}


def _is_entity(word: str) -> bool:
    return word[0] in DOMAIN_OF_PREFIX and word[1:].isdigit()


def _relation_of(word: str) -> str:
    """Return the relation that a word is, or is a value of; empty where it is neither."""
    return "-".join(word.split("-")[:2]) if word[0] in DOMAIN_OF_PREFIX and word[1:5] == "-rel" else ""


def _runs(words: Sequence[str]) -> list[list[str]]:
    """Return the letters of a text, divided where another word stands between them."""
    return [list(run) for letters, run in groupby(words, _is_letter) if letters]


def _is_letter(word: str) -> bool:
    return word[0] == "'" and len(word) == 2


def _skills_named(words: Sequence[str]) -> list[str]:
    return [skill for skill, names in _NAMES.items() if any(name in words for name in names)]


_NAMES = {"max": ("max", "largest"), "sort": ("sort", "sorted"), "middle": ("middle", "central"), "total": ("total",)}

PROMPT_ENDS = ("?", "is", "gives", ":")
"""Words after which a prompt has ended and an answer begins."""
_FORM_OF_OPENING = {"ask": "quiz", "about": "story"} | dict.fromkeys(
    ("the", "sorted", "largest", "central", "total"), "cloze"
)


def form_of(prompt: str) -> str | None:
    """Tell the form of a prompt by its first and its last word; None where it has none, or does not end."""
    words = prompt.split()
    return _FORM_OF_OPENING.get(words[0]) if words and words[-1] in PROMPT_ENDS else None
