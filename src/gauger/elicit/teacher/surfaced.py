"""Shows of a teacher's replies what its surface shows, whatever kind of teacher it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gauger.elicit.defences.registry import view_of
from gauger.elicit.replies.reasoning_marks import divided, unknown_marks
from gauger.elicit.replies.token_logs import logs_of_end
from gauger.elicit.teacher.messages import Accountable, Reply, ReplyOutcome, Request, Teacher
from gauger.spec import Surface


class Surfaced:
    """Any `Teacher` behind what its interface shows.

    What is hidden is cut from the reply before anybody sees it; nothing is asked again for that. Budgets are the
    affair of `Limited` and of endpoints.

    Parameters
    ----------
    teacher : Teacher
        Who is asked.
    surface : Surface
        What is shown of its replies.
    """

    def __init__(self, teacher: Teacher, surface: Surface) -> None:
        self._teacher, self._surface = teacher, surface

    @property
    def name(self) -> str:
        """Name of the teacher."""
        return self._teacher.name

    @property
    def terms(self) -> str | None:
        """Terms of the teacher."""
        return self._teacher.terms

    def unseen(self) -> Sequence[Reply]:
        """Return what was spent on requests that got no reply, where the teacher keeps account of them."""
        return self._teacher.unseen() if isinstance(self._teacher, Accountable) else ()

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, what is shown of its reply)."""
        for index, reply in self._teacher.ask(requests):
            yield index, shown(reply, self._surface)


def shown(reply: Reply, surface: Surface) -> Reply:
    """Return what a surface shows of a reply: a pure function of what came.

    Parameters
    ----------
    reply : Reply
        Whole.
    surface : Surface
        `reasoning` hidden takes the reasoning away, wherever it stood; `log_probabilities` none takes them away,
        `top-k` keeps the k most likely alternatives of each token; a `defence` then changes what is left, at its
        `strength`.

    Returns
    -------
    Reply
        Without the raw reply. What looks like reasoning and is of no known form stays where it is, and is named in
        `flags`: `collect` trains on no such answer where reasoning is hidden.
    """
    reply = _view(replace(_read(reply), raw=None), surface)
    return view_of(surface.defence)(reply, surface.strength) if surface.defence else reply


def _read(reply: Reply) -> Reply:
    """Take reasoning out of the text of a reply that came without more: a model at hand, or an old recording."""
    if reply.raw is not None:
        return reply
    answer, thought = divided(reply.text)
    marks = unknown_marks(answer)
    if thought is None and not marks:
        return reply
    reasoning = "\n\n".join(said for said in (reply.reasoning, thought) if said) or None
    empty = thought is not None and not answer and reply.outcome is ReplyOutcome.ANSWERED
    outcome = ReplyOutcome.EMPTY if empty else reply.outcome
    return replace(reply, outcome=outcome, text=answer, reasoning=reasoning, flags=(*reply.flags, *marks))


def _view(reply: Reply, surface: Surface) -> Reply:
    if surface.reasoning == "hidden" and reply.reasoning is not None:
        answer = logs_of_end(reply.log_probabilities, reply.text)
        reply = replace(reply, reasoning=None, log_probabilities=answer)
    if not reply.log_probabilities or surface.log_probabilities == "full":
        return reply
    if surface.log_probabilities == "none":
        return replace(reply, log_probabilities=())
    kept = tuple(replace(one, alternatives=one.alternatives[: surface.top_k]) for one in reply.log_probabilities)
    return replace(reply, log_probabilities=kept)


def words_for(surface: Surface) -> str:
    """Name what a surface shows, for the ledger."""
    reasoning = " and reasoning" if surface.reasoning == "shown" else ""
    logs = {"none": "", "top-k": f", top-{surface.top_k} log-probabilities", "full": ", log-probabilities"}
    defence = f", {surface.defence} {surface.strength:g}" if surface.defence else ""
    return f"text{reasoning}{logs[surface.log_probabilities]}{defence}"
