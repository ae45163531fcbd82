"""Has the user's own model rephrase items: copies that are harder to find than those by rules."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.elicit import Message, ReplyOutcome, Request, Teacher

PROMPT = (
    "Rewrite the question below so that it asks exactly the same in other words and in another order. Keep every "
    "number, and the meaning of every option. Reply with the rewritten question alone.\n\n"
)
_MOST_TOKENS = 2_048


def rephrased_by(teacher: Teacher, texts: Sequence[str]) -> list[str | None]:
    """Ask a model to rephrase texts.

    Parameters
    ----------
    teacher : Teacher
        Behind its budget.
    texts : sequence of str

    Returns
    -------
    list of str or None
        None where no whole answer came: failed, cut off, refused, or beyond the budget.
    """
    requests = [Request((Message("user", PROMPT + text),), _MOST_TOKENS) for text in texts]
    rewordings: list[str | None] = [None] * len(texts)
    for k, reply in teacher.ask(requests):
        if reply.outcome is ReplyOutcome.ANSWERED and reply.text.strip():
            rewordings[k] = reply.text.strip()
    return rewordings
