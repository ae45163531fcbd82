"""Finds reasoning that stands in the answer's own text, between marks: a table of the known forms.

Servers without a parser for a model's reasoning leave it in the text. What stands between a form's marks is reasoning;
where a closing mark has no opening one (the chat template opened the thought itself, as DeepSeek-R1's and QwQ's do),
everything before it is. A thought that was opened and never closed is reasoning to the end. What looks like such a
mark and is none of the table is flagged: `unknown_marks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple


class Divided(NamedTuple):
    """A text, and the reasoning that stood in it."""

    answer: str
    reasoning: str | None
    """None where none was found."""


class ReasoningForm(NamedTuple):
    """One way in which models write reasoning into their text."""

    name: str
    """As tests and documentation name it."""
    example: str
    """A text in this form that thinks `R.` and answers `A`."""
    divide: Callable[[str], Divided]
    """Takes a text apart; reasoning is None where the text is not in this form."""
    writers: str = ""
    """Who writes so."""
    marks: tuple[str, str] | None = None
    """Its opening and its closing mark, where it has two that stand anywhere."""


def marked(opening: str, closing: str) -> Callable[[str], Divided]:
    """Return what takes a text apart at two marks, wherever they stand; the opening one may be missing."""
    pattern = re.compile(f"({re.escape(opening)})|({re.escape(closing)})")

    def divide(text: str) -> Divided:
        if opening not in text and closing not in text:  # most texts: a search for two words is quicker than a pattern
            return Divided(text, None)
        answers: list[str] = []
        thoughts: list[str] = []
        inside, end = False, 0
        for mark in pattern.finditer(text):
            if mark[1] and inside:
                continue  # a thought may speak of its own marks
            before, end = text[end : mark.start()], mark.end()
            if mark[1]:
                answers.append(before)
            elif inside:
                thoughts.append(before)
            else:  # no opening mark: all that was said until here was thought
                thoughts, answers = [*thoughts, *answers, before], []
            inside = bool(mark[1])
        if inside and not "".join(answers).strip():
            thoughts.append(text[end:])
        elif inside:  # an opening mark amid the answer that nothing closes: no thought, but flagged
            return Divided(text, None) if not thoughts else Divided(_answer([*answers, text[end:]]), _thought(thoughts))
        else:
            answers.append(text[end:])
        return Divided(_answer(answers), _thought(thoughts)) if thoughts else Divided(text, None)

    return divide


def phrased(opening: str, closing: str) -> Callable[[str], Divided]:
    """Return what takes a text apart that begins with a phrase (a pattern) and holds another one."""
    pattern = re.compile(rf"\s*(?:{opening})(.*?)(?:{closing})(.*)\Z", re.DOTALL)

    def divide(text: str) -> Divided:
        match = pattern.match(text)
        return Divided(match[2].strip(), match[1].strip()) if match else Divided(text, None)

    return divide


_CHANNEL = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>([a-z]+)[^<]*<\|message\|>(.*?)"
    r"(?=<\|end\|>|<\|return\|>|<\|call\|>|<\|start\|>|<\|channel\|>|\Z)(?:<\|(?:end|return|call)\|>)?",
    re.DOTALL,
)


def channels(text: str) -> Divided:
    """Take apart a text in the harmony format: the channel `final` is the answer, every other one is not."""
    messages = (
        _CHANNEL.findall(text) if text.lstrip().startswith(("<|channel|>", "<|start|>assistant<|channel|>")) else []
    )
    if not messages:
        return Divided(text, None)
    final = "".join(content for name, content in messages if name == "final")
    return Divided(final.strip(), _thought([content for name, content in messages if name != "final"]) or "")


def _between(opening: str, closing: str, writers: str, lines: str = "") -> ReasoningForm:
    """Describe a form with two marks; `lines` stands around the thought in its example."""
    example = f"{opening}{lines}R.{lines}{closing}{2 * lines}A"
    return ReasoningForm(opening, example, marked(opening, closing), writers, (opening, closing))


FORMS: tuple[ReasoningForm, ...] = (
    ReasoningForm(
        "harmony channels",
        "<|channel|>analysis<|message|>R.<|end|><|start|>assistant<|channel|>final<|message|>A<|return|>",
        channels,
        "gpt-oss",
    ),
    ReasoningForm(
        "harmony without its marks",
        "analysisR.assistantfinalA",
        phrased(r"analysis(?=[A-Z\s])", r"assistantfinal"),
        "gpt-oss behind servers that drop special tokens",
    ),
    _between("<think>", "</think>", "DeepSeek-R1, Qwen3, GLM", "\n"),
    _between("<thinking>", "</thinking>", "Claude, by prompt"),
    _between("<thought>", "</thought>", "Gemini, EXAONE"),
    _between("<reasoning>", "</reasoning>", "by prompt"),
    _between("[THINK]", "[/THINK]", "Magistral"),
    _between("◁think▷", "◁/think▷", "Kimi"),
    _between("<seed:think>", "</seed:think>", "Seed-OSS"),
    _between("<|START_THINKING|>", "<|END_THINKING|>", "Command A"),
    _between("<|begin_of_thought|>", "<|end_of_thought|>", "Sky-T1, OpenThinker"),
    ReasoningForm(
        "thought process in words",
        "Here is my thought process: R. Here is my response: A",
        phrased(r"Here(?:'s| is) my thought process:", r"Here(?:'s| is) my response:"),
        "Granite",
    ),
)
"""The known forms, in the order in which they are looked for."""
_CHANNEL_MARKS = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>")
_BEGINNINGS = (
    *(form.marks for form in FORMS if form.marks),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""Marks with which a thought begins and ends, of every form that has some."""
UNKNOWN_MARK = "unknown mark"
"""Begins the flag of an answer with something in it that looks like a mark of reasoning and is none that is known."""
_AROUND = re.compile(r"<\|(?:START|END)_RESPONSE\|>|<\|(?:begin|end)_of_solution\|>")
"""Marks around an answer that stand beside those of reasoning; they are no part of it."""
_STEMS = r"think|thought|reason|reflect|scratch|analysis|ponder|deliberat|monologue|rationale|channel"
_MARK = re.compile(rf"(?:<\|?|\[|◁)/?\s*[\w:.-]*(?:{_STEMS})[\w:.-]*\s*(?:\|?>|\]|▷)", re.IGNORECASE)


def divided(text: str) -> Divided:
    """Take the reasoning out of a text, in whatever known forms it stands there."""
    thoughts: list[str] = []
    for form in FORMS:
        text, thought = form.divide(text)
        if thought is not None:
            thoughts.append(thought)
    if not thoughts:
        return Divided(text, None)
    return Divided(_AROUND.sub("", text).strip(), "\n\n".join(thought for thought in thoughts if thought))


def open_thought(text: str) -> tuple[str, str] | None:
    """Return the marks of the thought in which a text ends, opening and closing; None where it ends in none.

    A chat template may open the thought itself (DeepSeek-R1, QwQ, Qwen3's thinking models): what the model then says
    begins inside it.
    """
    ending = text.rstrip()
    return next((form.marks for form in FORMS if form.marks and ending.endswith(form.marks[0])), None)


def begun_thought(text: str) -> tuple[str, str] | None:
    """Return the marks of the thought with which a text begins, opening and closing; None where it begins with none.

    Hybrid models (Qwen3, GLM, SmolLM3) open the thought themselves, whatever their chat template does.
    """
    return next((marks for marks in _BEGINNINGS if text.lstrip().startswith(marks[0])), None)


def may_begin_thought(text: str) -> bool:
    """Tell whether what follows may still make a text begin with a thought: it is blank, or half an opening mark."""
    beginning = text.lstrip()
    return any(opening.startswith(beginning) and opening != beginning for opening, _ in _BEGINNINGS)


def mark_tokens(special: Collection[str]) -> frozenset[str]:
    """Return those of a model's special tokens that are marks of reasoning, or of the channels that hold it.

    Parameters
    ----------
    special : collection of str
        The special tokens of its vocabulary (Magistral's `[THINK]`, the channels of gpt-oss).
    """
    marks = {mark for form in FORMS if form.marks for mark in form.marks}
    marks |= set(_CHANNEL_MARKS) if "<|channel|>" in special else set()
    return frozenset(marks & set(special))


def up_to_stop(answer: str, stops: Sequence[str]) -> tuple[str, str | None]:
    """Cut an answer, from which reasoning has been taken, at the first of its stops.

    Parameters
    ----------
    answer : str
        Without reasoning: nothing in a thought ends an answer.
    stops : sequence of str
        Strings that end it and are no part of it.

    Returns
    -------
    (str, str or None)
        What stands before the stop, and which one it was; the whole answer and None where there is none.
    """
    places = [(place, stop) for stop in stops if (place := answer.find(stop)) >= 0]
    if not places:
        return answer, None
    place, stop = min(places)
    return answer[:place], stop


def unknown_marks(answer: str) -> tuple[str, ...]:
    """Name what looks like a mark of reasoning in an answer out of which the known forms have been taken."""
    return tuple(dict.fromkeys(f"{UNKNOWN_MARK} {mark.strip()}" for mark in _MARK.findall(answer)))


def _answer(parts: list[str]) -> str:
    return "".join(parts).strip()


def _thought(parts: list[str]) -> str | None:
    return "\n\n".join(part.strip() for part in parts if part.strip())
