"""Shows of a teacher's replies what its surface shows: the one place where answers leave a teacher of any kind.

View        what is hidden, cut or edited of a reply that came: nothing is asked again (`shown`)
Generation  what is asked instead, before a journal keeps it, with an address and a bill of its own (`generated`)
Policy      what is answered at all: a function of the queries in their order (`Surfaced`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from math import ceil

from gauger.elicit.defences.kinds import (
    Defence,
    GenerationDefence,
    LogProbabilities,
    MarkTest,
    Need,
    PolicyDefence,
    ViewDefence,
)
from gauger.elicit.defences.registry import defence_of
from gauger.elicit.replies.reasoning_marks import divided, unknown_marks
from gauger.elicit.replies.token_logs import logs_of_end
from gauger.elicit.teacher.messages import Accountable, Reply, ReplyOutcome, Request, Teacher
from gauger.errors import UserError
from gauger.spec import Surface


class Surfaced:
    """Any `Teacher` behind what its interface shows.

    What is hidden is cut from the reply before anybody sees it; nothing is asked again for that. Budgets are the
    affair of `Limited` and of endpoints.

    Parameters
    ----------
    teacher : Teacher
        Who is asked; where the surface has a generation, made so by `generated`.
    surface : Surface
        What is shown of its replies.
    """

    def __init__(self, teacher: Teacher, surface: Surface) -> None:
        self._teacher, self._surface = teacher, surface
        defence = _defence(surface)
        begin = (lambda _: _passed_on) if not isinstance(defence, PolicyDefence) else defence.begin
        self._accounts = cycle([begin(surface.strength) for _ in range(surface.accounts)])

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
        """Yield (index, what is shown of its reply): first what a policy answers, then what comes.

        Requests come from the surface's accounts in turn, and a policy decides about each account by itself.
        """
        decided = [decide(request) for request, decide in zip(requests, self._accounts, strict=False)]
        yield from ((index, answer) for index, answer in enumerate(decided) if isinstance(answer, Reply))
        asked = [(index, request) for index, request in enumerate(decided) if isinstance(request, Request)]
        for place, reply in self._teacher.ask([request for _, request in asked]):
            yield asked[place][0], shown(reply, self._surface)


def _passed_on(request: Request) -> Request | Reply:
    return request


def _defence(surface: Surface) -> Defence | None:
    return defence_of(surface.defence) if surface.defence and surface.strength else None


def generated(teacher: Teacher, surface: Surface, helper: Teacher | None = None) -> Teacher:
    """Return the teacher that generates what the surface is to show, to be put before any journal; most are the same.

    Parameters
    ----------
    teacher : Teacher
        Who answers.
    surface : Surface
        Only a defence that is a generation matters.
    helper : Teacher, optional
        The surface's `helper`, opened; none where it names none.
    """
    defence = _defence(surface)
    if not isinstance(defence, GenerationDefence):
        return teacher
    if helper is not None and defence.helped is not None:
        return defence.helped(teacher, surface.strength, helper)
    return defence.wrap(teacher, surface.strength)


def takes_helper(surface: Surface) -> bool:
    """Tell whether a surface's defence can have another model do its work."""
    defence = _defence(surface)
    return isinstance(defence, GenerationDefence) and defence.helped is not None


def generation_of(surface: Surface) -> str | None:
    """Name the generation that a surface is of, with its strength; None where it shows what a teacher says by itself.

    Replies of different generations are kept apart, and those of the same are asked once.
    """
    if not isinstance(_defence(surface), GenerationDefence):
        return None
    return f"{surface.defence}:{surface.strength:g}" + (f" by {surface.helper}" if surface.helper else "")


def decides_queries(surface: Surface) -> bool:
    """Tell whether a surface's defence decides about queries, so that it matters which account they come from."""
    return isinstance(_defence(surface), PolicyDefence)


def require_recorded(surface: Surface, teacher: str) -> None:
    """Refuse a generation where nothing can be generated.

    Raises
    ------
    UserError
        Where the surface has one: what was recorded cannot be generated anew.
    """
    if generation := generation_of(surface):
        hint = f"{surface.defence} changes what is generated: ask the teacher itself."
        raise UserError(f"a view or a policy over {teacher}", f"the generation {generation}", hint=hint)


def mark_finder(surface: Surface) -> Callable[[Iterable[Sequence[int]]], MarkTest] | None:
    """Return what tests texts for the mark that a surface's defence leaves in them; None where it leaves none."""
    defence = _defence(surface)
    return defence.find if isinstance(defence, GenerationDefence) else None


def reads_proxy(surface: Surface) -> bool:
    """Tell whether a surface's defence reads a proxy student, so that one must be given."""
    defence = _defence(surface)
    return defence is not None and Need.PROXY in defence.needs


def require_needs(
    surface: Surface, teacher: str, *, at_hand: bool, proxy: bool = True, instructed: bool = True
) -> None:
    """Refuse a defence that has nothing to change, or that a teacher of this kind cannot have.

    Parameters
    ----------
    surface : Surface
        With its defence; one at strength 0 needs nothing.
    teacher : str
        Which teacher, for the message.
    at_hand : bool
        Whether it is a model at hand.
    instructed : bool
        Whether it follows instructions; else it continues texts.
    proxy : bool
        Whether there is a proxy student; a study always has one, its student's base.

    Raises
    ------
    UserError
        With what it needs and what to do.
    """
    defence = _defence(surface)
    met = {
        Need.REASONING: (surface.reasoning == "shown", "Show reasoning (surface.reasoning: shown, --reasoning shown)."),
        Need.LOGS: (surface.log_probabilities != "none", "Show them (surface.log_probabilities: full)."),
        Need.AT_HAND: (at_hand, "Ask a model from local files (kind checkpoint or scratch, hf:PATH)."),
        Need.INSTRUCTIONS: (instructed or surface.helper is not None, "Ask a chat model, as one."),
        Need.PROXY: (proxy, "Give one with --proxy hf:PATH."),
    }
    if surface.helper is not None and not takes_helper(surface.model_copy(update={"strength": 1.0})):
        hint = "rewrite is one that another model can do."
        raise UserError("a defence that another model can do, beside a helper", repr(surface.defence), hint=hint)
    if isinstance(defence, PolicyDefence) and surface.strength < defence.least:
        wanted = (
            f"0, or a strength of at least {ceil(1000 * defence.least) / 1000:g}, for the defence {surface.defence}"
        )
        raise UserError(wanted, f"{surface.strength:g}", hint="Below that it could not flag a single account.")
    for need in () if defence is None else defence.needs:
        there, hint = met[need]
        if not there:
            raise UserError(f"{need}, for the defence {surface.defence}", f"{teacher} without it", hint=hint)


def shows_logs(surface: Surface) -> bool:
    """Say whether it is known what a surface shows of log-probabilities along a whole text."""
    defence = _defence(surface)
    return defence is None or (isinstance(defence, ViewDefence) and defence.logs is not None)


def shown_logs(log_PK: LogProbabilities, surface: Surface) -> LogProbabilities:
    """Return what a surface's defence shows of log-probabilities along a text; which tokens, `top_k` says.

    Parameters
    ----------
    log_PK : float array, (P, K)
        In nats, of the K tokens shown at each of P positions.
    surface : Surface
        Its defence must be none, or a view that knows log-probabilities (`shows_logs`).

    Raises
    ------
    UserError
        Where nobody can say what would be shown.
    """
    defence = _defence(surface)
    if defence is None:
        return log_PK
    if isinstance(defence, ViewDefence) and defence.logs is not None:
        return defence.logs(log_PK, surface.strength)
    raise UserError("a defence that says what it shows of log-probabilities along a text", repr(surface.defence))


def shown(reply: Reply, surface: Surface) -> Reply:
    """Return what a surface shows of a reply: a pure function of what came.

    Parameters
    ----------
    reply : Reply
        Whole.
    surface : Surface
        `reasoning` hidden takes the reasoning away, wherever it stood; `log_probabilities` none takes them away,
        `top-k` keeps the k most likely alternatives of each token; a `defence` that is a view then changes what is
        left, at its `strength`.

    Returns
    -------
    Reply
        Without the raw reply. What looks like reasoning and is of no known form stays where it is, and is named in
        `flags`: `collect` trains on no such answer where reasoning is hidden.
    """
    reply = _view(replace(_read(reply), raw=None), surface)
    defence = _defence(surface)
    return defence.change(reply, surface.strength) if isinstance(defence, ViewDefence) else reply


def _read(reply: Reply) -> Reply:
    """Take reasoning out of the text of a reply that came without more: a model at hand, or an old recording."""
    if reply.raw is not None:
        return reply
    answer, thought = divided(reply.text)
    marks = unknown_marks(answer)
    if thought is None and not marks:
        return reply
    reasoning = "\n\n".join(text for text in (reply.reasoning, thought) if text) or None
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
    kept = tuple(
        replace(choice, alternatives=choice.alternatives[: surface.top_k]) for choice in reply.log_probabilities
    )
    return replace(reply, log_probabilities=kept)


def words_for(surface: Surface) -> str:
    """Name what a surface shows, for the ledger."""
    reasoning = " and reasoning" if surface.reasoning == "shown" else ""
    logs = {"none": "", "top-k": f", top-{surface.top_k} log-probabilities", "full": ", log-probabilities"}
    defence = f", {surface.defence} {surface.strength:g}" if surface.defence else ""
    defence += " by another model" if surface.helper else ""
    return f"text{reasoning}{logs[surface.log_probabilities]}{defence}"
