r"""Words the same question in several forms, each with its answer format.

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
from gauger.worlds.items import Form, Question, Wording

_ASKS = "Question: "


@dataclass(frozen=True)
class TextForm(Form):
    """A form that stands around the question."""

    before: str = ""
    """Stands before the question (the statement, in `cloze`)."""
    after: str = ""
    """Stands after it, up to the answer."""


def _form(name: str, description: str, before: str, after: str, stops: tuple[str, ...]) -> TextForm:
    return TextForm(name, description, stops, before=before, after=after)


_LONG = ("\n\n", "\nQuestion:")
FORMS: dict[str, TextForm] = {
    form.name: form
    for form in (
        _form("qa", "question and answer", _ASKS, "\nAnswer:", ("\n",)),
        _form("tagged", "answer in tags", _ASKS, "\nGive the answer in <answer></answer>.\n", _LONG),
        _form("cloze", "sentence to complete", "Complete: ", "", ("\n",)),
        _form("rationale", "steps before the answer", _ASKS, "\nSteps:", _LONG),
    )
}
"""Every form by name."""
_ONE_LINE = ("qa", "cloze", "rationale")


def known_form(name: str) -> TextForm:
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
    return Wording(f"{shape.before}{asked}{shape.after}", put_answer(question.answer, form, question), form, question)


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


def read_strictly(reply: str, form: str) -> str | None:
    """Read the answer out of what a model said, in the form's own format alone; None where that is not there.

    Parameters
    ----------
    reply : str
        The model's text after the prompt, end mark left out.
    form : str
        `qa`, `cloze`: the first line, whatever it holds. `tagged`: what stands between the first pair of tags.
        `rationale`: the first line that begins with "Answer:".
    """
    if form in ("qa", "cloze"):
        return reply.split("\n", 1)[0].strip() or None
    match = (_TAG if form == "tagged" else _LAST_LINE).search(reply)
    return (match[1].strip() or None) if match else None
