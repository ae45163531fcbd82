r"""Wordings and answer formats: the same question in several forms.

qa         Question: What is 12 + 7?\nAnswer:                                  ->  12 is on the first line: " 19"
tagged     Question: What is 12 + 7?\nGive the answer in <answer></answer>.\n  ->  <answer>19</answer>
cloze      Complete: 12 + 7 =                                                  ->  " 19"
rationale  Question: What is 12 + 7?\nSteps:                                   ->  " 12 + 7 = 19.\nAnswer: 19"

No form begins with the question itself: a model reads the first word of a text badly where its tokenizer puts no mark
before it (a sum's first number was as good as unread). `qa` and `tagged` suit every question, `cloze` those that have a
statement, `rationale` those that have a working.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gauger.errors import UserError, nearest
from gauger.worlds.language.items import Wording
from gauger.worlds.language.questions import Question

_ASKS = "Question: "


@dataclass(frozen=True)
class Form:
    """One wording and answer format."""

    name: str
    before: str
    """Stands before the question (the statement, in `cloze`)."""
    after: str
    """Stands after it, up to the answer."""
    stops: tuple[str, ...]
    """Strings after which nothing belongs to the answer; decoding may end there."""
    told: str
    """One phrase for reports."""


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("qa", _ASKS, "\nAnswer:", ("\n",), "question and answer"),
        Form("tagged", _ASKS, "\nGive the answer in <answer></answer>.\n", ("\n\n", "\nQuestion:"), "answer in tags"),
        Form("cloze", "Complete: ", "", ("\n",), "sentence to complete"),
        Form("rationale", _ASKS, "\nSteps:", ("\n\n", "\nQuestion:"), "steps before the answer"),
    )
}
"""Every form by name."""
_ONE_LINE = ("qa", "cloze", "rationale")


def known_form(name: str) -> Form:
    """Return a form by its name, or say which there are."""
    if name not in FORMS:
        raise UserError("a form of a language world", repr(name), hint=nearest(name, FORMS))
    return FORMS[name]


def has_form(question: Question, form: str) -> bool:
    """Tell whether a question can be put in a form."""
    known_form(form)
    if form in _ONE_LINE and ("\n" in question.answer or not question.answer.strip()):
        return False
    needed = {"cloze": question.statement, "rationale": question.working}
    return needed.get(form, "") is not None


def render(question: Question, form: str) -> Wording:
    """Put a question in a form that it has (`has_form`)."""
    shape = known_form(form)
    asked = question.statement if form == "cloze" else question.text
    return Wording(f"{shape.before}{asked}{shape.after}", put_answer(question.answer, form, question), question, form)


def put_answer(answer: str, form: str, question: Question) -> str:
    """Put any answer, right or wrong, in a form's own format."""
    if form == "tagged":
        return f"<answer>{answer}</answer>"
    return f" {question.working}\nAnswer: {answer}" if form == "rationale" else f" {answer}"


def asked_in(prompt: str) -> tuple[str, str] | None:
    """Read a prompt: (form, the question or statement in it); None where it is of no form."""
    for form in FORMS.values():
        asked = prompt.removeprefix(form.before).removesuffix(form.after)
        if prompt == form.before + asked + form.after and asked.strip() and (form.after or "\n" not in asked):
            return form.name, asked
    return None


_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_LAST_LINE = re.compile(r"^Answer:[ \t]*(\S.*)$", re.MULTILINE)


def read_strictly(said: str, form: str) -> str | None:
    """Read the answer out of what a model said, in the form's own format alone; None where that is not there.

    Parameters
    ----------
    said : str
        The model's text after the prompt, end mark left out.
    form : str
        `qa`, `cloze`: the first line, whatever it holds. `tagged`: what stands between the first pair of tags.
        `rationale`: the first line that begins with "Answer:".
    """
    if form in ("qa", "cloze"):
        return said.split("\n", 1)[0].strip() or None
    found = (_TAG if form == "tagged" else _LAST_LINE).search(said)
    return (found[1].strip() or None) if found else None
