"""Reads a raw reply: its outcome, answer, reasoning, tokens and log-probabilities.

The raw reply is the JSON object that an endpoint sent, kept once and whole; everything else about it is a pure function
of it and is read again from it whenever it is needed. So a form of reasoning that becomes known later is read from old
recordings too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gauger.elicit.replies.finish_reasons import Ending, ending_of
from gauger.elicit.replies.reasoning_fields import read_message
from gauger.elicit.replies.reasoning_marks import divided, unknown_marks, up_to_stop
from gauger.elicit.replies.token_logs import token_logs, without_end
from gauger.elicit.replies.usage import read_usage
from gauger.elicit.teacher.messages import Reply, ReplyOutcome

_OUTCOMES = {
    Ending.WHOLE: ReplyOutcome.ANSWERED,
    Ending.CUT: ReplyOutcome.TRUNCATED,
    Ending.DECLINED: ReplyOutcome.REFUSED,
    Ending.TOOL: ReplyOutcome.EMPTY,
    Ending.UNKNOWN: ReplyOutcome.TRUNCATED,
}


class BrokenOffError(ValueError):
    """The server says itself that it failed amid the reply."""


def read_raw(body: Mapping[str, Any], stops: Sequence[str] = ()) -> Reply:
    """Read the body of a successful response in OpenAI's format, of a chat or of a completion.

    Parameters
    ----------
    body : mapping
        As it came, the key removed from it.
    stops : sequence of str
        Strings that end the answer (`Request.stop`). They are looked for behind the reasoning, so an endpoint need not
        have been told of them; an answer that holds one is whole, wherever a limit cut off what came after.

    Returns
    -------
    Reply
        With `raw` set to `body`. `EMPTY` where it is whole and holds no answer. A reason for ending that is not known
        makes it `TRUNCATED`, for nobody can say that it is whole; the flag says so.

    Raises
    ------
    BrokenOffError
        Where the server failed amid the reply.
    KeyError, TypeError, ValueError, AttributeError
        Where it is not in this format.
    """
    choice = (body.get("choices") or [None])[0]
    reply = Reply(ReplyOutcome.EMPTY, error="no choices") if choice is None else _read_choice(choice, stops)
    usage = read_usage(body.get("usage"), reply.text or reply.reasoning or "")
    return replace(
        reply,
        raw=body,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        tokens_reasoning=usage.tokens_reasoning,
        tokens_cached=usage.tokens_cached,
        stated_usd=usage.stated_usd,
        usage_problem=usage.problem,
    )


def _read_choice(choice: Mapping[str, Any], stops: Sequence[str]) -> Reply:
    reason = choice.get("finish_reason") or choice.get("native_finish_reason")
    ending = ending_of(reason)
    if ending is Ending.BROKEN:
        raise BrokenOffError(str(reason))
    message = choice.get("message") or {"content": choice.get("text")}
    reading = read_message(message)
    answer, thought = divided(reading.answer)
    thoughts = [*reading.reasoning, *([thought] if thought else [])]
    flags = [*reading.flags, *unknown_marks(answer)]
    refusal = message.get("refusal")
    if refusal is not None and not isinstance(refusal, str):
        raise TypeError("not a text")
    if ending is Ending.UNKNOWN:
        flags.append(f"unknown finish reason {str(reason)[:40]!r}")
    logs = token_logs(choice.get("logprobs") or {})
    before, stop = up_to_stop(answer, stops if ending in (Ending.WHOLE, Ending.CUT) else ())
    if stop is not None:
        logs = without_end(logs, len(answer) - len(before))
        answer, ending = before, Ending.WHOLE
    outcome = ReplyOutcome.REFUSED if refusal else _OUTCOMES[ending]
    if outcome is ReplyOutcome.ANSWERED and not answer.strip():
        outcome = ReplyOutcome.EMPTY
    return Reply(
        outcome,
        answer or refusal or "",
        "\n\n".join(thoughts) or None,
        log_probabilities=logs,
        flags=tuple(flags),
        stop=stop,
        error=_why_empty(ending, thoughts) if outcome is ReplyOutcome.EMPTY else None,
    )


def _why_empty(ending: Ending, thoughts: list[str]) -> str:
    if ending is Ending.TOOL:
        return "the model called a tool instead of answering"
    return "the reply holds reasoning and no answer" if thoughts else "the reply has no content"
