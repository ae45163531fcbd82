"""What real endpoints do, one quirk a row: how a server does it, and what must come of it.

`python -m elicit.api.quirks docs/teachers.md` (from tests/) writes the table into the documentation.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elicit.teacher.fault_server import encoded
from gauger.elicit.replies.finish_reasons import KNOWN, Ending
from gauger.elicit.replies.reasoning_fields import FIELDS
from gauger.elicit.replies.reasoning_marks import FORMS

BEGIN, END = "<!-- quirks: written by tests/elicit/api/quirks.py -->", "<!-- end of quirks -->"
FORBIDDEN = {"type": "extra_forbidden", "loc": ["body", "seed"]}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "R."}]}
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


@dataclass(frozen=True)
class Quirk:
    """One row."""

    name: str
    who: str
    does: str
    """What Gauger does, for the documentation."""
    answer: Any
    """(body) -> (status, headers, bytes)."""
    outcome: str = "answered"
    text: str = "A"
    reasoning: str | None = None
    flags: tuple[str, ...] = ()
    respelt: tuple[str, ...] = ()
    requests: int = 1
    """Sent for the first prompt."""
    said: str = ""
    """Part of the reply's error."""
    unpaid: bool = False


def whole(content="A", finish="stop", choice=None, **message):
    made = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    return 200, {}, encoded({"choices": [made | (choice or {})], "usage": USAGE})


def fault(status, message, **error):
    return status, {}, encoded({"error": {"message": message, **error}})


def refuses(name, reply, wrong=lambda value: value is not None):
    """Refuse a parameter as long as it is sent."""
    return lambda body: reply if wrong(body.get(name)) else whole()


def always(reply):
    return lambda _: reply


def system_refused(body):
    if any(turn["role"] == "system" for turn in body["messages"]):
        return fault(400, "System role not supported")
    return whole()


def pieces(*deltas, finish="stop", done=True, usage=USAGE):
    lines = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    lines += [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}] if finish else []
    lines += [{"choices": [], "usage": usage}] if usage else []
    text = "".join(f"data: {json.dumps(line)}\n\n" for line in lines) + ("data: [DONE]\n\n" if done else "")
    return 200, {"X-Kind": "text/event-stream"}, text.encode()


REQUESTS = (
    Quirk(
        "`max_tokens` refused for `max_completion_tokens`",
        "OpenAI o-series, gpt-5",
        "takes the other name from then on",
        refuses("max_tokens", fault(400, "Unsupported parameter", param="max_tokens", code="unsupported_parameter")),
        requests=2,
    ),
    Quirk(
        "the same without a code",
        "gateways",
        "the same",
        refuses("max_tokens", fault(400, "Use 'max_completion_tokens' instead.", param="max_tokens", code=None)),
        requests=2,
    ),
    Quirk(
        "`temperature` 0 refused",
        "gpt-5, o-series",
        "leaves it out from then on, and says so in ledger and notes",
        refuses(
            "temperature",
            fault(
                400,
                "Unsupported value: 'temperature' does not support 0",
                param="temperature",
                code="unsupported_value",
            ),
        ),
        respelt=("asked without temperature",),
        requests=2,
    ),
    Quirk(
        "`seed` refused by validation (422, `loc`)",
        "Mistral, FastAPI servers",
        "leaves it out, and says so",
        refuses(
            "seed", (422, {}, encoded({"message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}}))
        ),
        respelt=("asked without seed",),
        requests=2,
    ),
    Quirk(
        "`seed` refused in words",
        "older Azure, proxies",
        "leaves it out, and says so",
        refuses("seed", fault(400, "Unrecognized request argument supplied: seed")),
        respelt=("asked without seed",),
        requests=2,
    ),
    Quirk(
        "the role `system` refused",
        "Gemma's template, o1-mini",
        "puts the system's words before the user's, and says so",
        system_refused,
        respelt=("the system's words stood before the user's",),
        requests=2,
    ),
    Quirk(
        "two parameters refused, one after the other",
        "reasoning models behind proxies",
        "respells both, once per model",
        lambda body: (
            fault(400, "Unknown parameter: 'seed'.", param="seed")
            if "seed" in body
            else fault(400, "temperature is deprecated for this model")
            if "temperature" in body
            else whole()
        ),
        respelt=("asked without seed", "asked without temperature"),
        requests=3,
    ),
    Quirk(
        "a wrong value that no spelling mends",
        "any",
        "that prompt has failed; the message stands in the ledger",
        always(fault(400, "messages: text is empty", param="messages")),
        outcome="failed",
        text="",
        said="text is empty",
    ),
)
OUTCOMES = (
    *(
        Quirk(
            f"ends for `{word}`",
            "many",
            {"refused": "refused", "truncated": "cut off: never learnt as whole"}[out],
            always(whole("A", word)),
            out,
        )
        for word, out in (
            ("length", "truncated"),
            ("max_tokens", "truncated"),
            ("MAX_TOKENS", "truncated"),
            ("abort", "truncated"),
            ("model_length", "truncated"),
            ("content_filter", "refused"),
            ("SAFETY", "refused"),
            ("refusal", "refused"),
        )
    ),
    Quirk(
        "ends for a reason that nobody knows",
        "any",
        "cut off and flagged: never taken for whole",
        always(whole("A", "because")),
        "truncated",
        flags=("unknown finish reason 'because'",),
    ),
    Quirk(
        "403 for one flagged prompt",
        "OpenRouter",
        "that prompt is refused, at no cost; the others go on",
        always(fault(403, "your input was flagged", code=403)),
        "refused",
        "",
        said="flagged",
        unpaid=True,
    ),
    Quirk(
        "400 for one filtered prompt",
        "Azure",
        "that prompt is refused, at no cost",
        always(fault(400, "The response was filtered", code="content_filter")),
        "refused",
        "",
        said="filtered",
        unpaid=True,
    ),
    Quirk(
        "calls a tool instead of answering",
        "any",
        "empty: booked, and asked once more at most",
        always(whole(None, "tool_calls")),
        "empty",
        "",
        requests=2,
        said="tool",
    ),
    Quirk("says nothing", "any", "empty: the same", always(whole("")), "empty", "", requests=2, said="no content"),
    Quirk(
        "thinks, and says nothing",
        "reasoning models",
        "empty: the same",
        always(whole("", reasoning_content="R.")),
        "empty",
        "",
        "R.",
        requests=2,
        said="reasoning and no answer",
    ),
)
REASONING = (
    *(
        Quirk(
            f"reasoning as {form.name}",
            form.writers,
            "taken apart; hidden it is never learnt",
            always(whole(form.example)),
            reasoning="R.",
        )
        for form in FORMS
    ),
    *(
        Quirk(
            f"reasoning in the field `{name}`",
            "servers with a parser",
            "the same",
            always(whole(**{name: "R."})),
            reasoning="R.",
        )
        for name in FIELDS
    ),
    Quirk(
        "a lone `</think>`",
        "DeepSeek-R1, QwQ by vLLM without a parser",
        "all before it is reasoning",
        always(whole("R.\n</think>\n\nA")),
        reasoning="R.",
    ),
    Quirk(
        "reasoning as a part of the content",
        "Magistral, Anthropic",
        "the same as a field",
        always(
            whole([{"type": "thinking", "thinking": [{"type": "text", "text": "R."}]}, {"type": "text", "text": "A"}])
        ),
        reasoning="R.",
    ),
    Quirk(
        "reasoning in a form that nobody knows",
        "any",
        "flagged; where reasoning is hidden, such an answer is not learnt",
        always(whole("<reflection>R.</reflection>A")),
        text="<reflection>R.</reflection>A",
        flags=("unknown mark <reflection>", "unknown mark </reflection>"),
    ),
)
TRANSPORT = (
    Quirk(
        "redirects",
        "moved hosts, http to https",
        "is not followed, for the key goes where the user said; the message says where it went",
        always((307, {"Location": "https://elsewhere.example/v1"}, b"")),
        "failed",
        "",
        said="redirects to https://elsewhere.example/v1",
    ),
    Quirk(
        "a stream though none was asked for",
        "some gateways",
        "put together, and read like any reply",
        always(
            pieces(
                {"role": "assistant", "content": ""},
                {"reasoning_content": "R"},
                {"reasoning_content": "."},
                {"content": "A"},
            )
        ),
        reasoning="R.",
    ),
    Quirk(
        "a page in place of a reply",
        "proxies, login walls",
        "asked again as perhaps paid; the message names the page",
        always((200, {}, b"<html><title>Please log in</title></html>")),
        "failed",
        "",
        requests=2,
        said="the reply is a page, not JSON: Please log in",
    ),
)


@dataclass(frozen=True)
class BatchQuirk:
    """One row about batches: what becomes of one request of the first batch (all others are answered)."""

    name: str
    who: str
    does: str
    line: Any
    """(status, body) of its line, None where there is none, or the code of an error in place of a reply."""
    ending: str = "completed"
    """Status of the batch."""
    outcome: str = "answered"
    requests: int = 2
    paid_again: int = 0
    respelt: tuple[str, ...] = ()


BATCHES = (
    BatchQuirk(
        "a parameter is refused, in the line of each request",
        "OpenAI o-series, gpt-5",
        "respelt for the next batch, at no cost, and said",
        (400, {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature"}}),
        respelt=("asked without temperature",),
    ),
    BatchQuirk(
        "a prompt is flagged",
        "OpenAI, Azure",
        "that prompt is refused, at no cost",
        (400, {"error": {"message": "flagged by moderation"}}),
        outcome="refused",
        requests=1,
    ),
    BatchQuirk(
        "the day is over before a request was begun (`batch_expired`)",
        "OpenAI, Mistral, Groq",
        "what is answered is kept; the rest is in the next batch, at no cost",
        "batch_expired",
        "expired",
    ),
    BatchQuirk("somebody cancels the batch (`batch_cancelled`)", "any", "the same", "batch_cancelled", "cancelled"),
    BatchQuirk(
        "no file has a line about a request",
        "any",
        "counts as perhaps paid, and is in the next batch",
        None,
        paid_again=1,
    ),
    BatchQuirk("an error in place of a reply", "any", "the same", "internal", paid_again=1),
    BatchQuirk(
        "a request met a server error",
        "any",
        "is in the next batch, at no cost",
        (500, {"error": {"message": "internal"}}),
    ),
)
ALL = {
    "How it wants to be asked": REQUESTS,
    "How replies end": OUTCOMES,
    "Where reasoning stands": REASONING,
    "What comes instead": TRANSPORT,
}


def table() -> str:
    """Write the matrix: providers' quirks and what Gauger does, as it is tested."""
    parts = []
    for title, quirks in ALL.items():
        rows = [f"| {one.name.replace('|', chr(92) + '|')} | {one.who} | {one.does} |" for one in quirks]
        parts.append("\n".join([f"### {title}", "", "| quirk | seen at | what Gauger does |", "|---|---|---|", *rows]))
    rows = [f"| {one.name} | {one.who} | {one.does} |" for one in BATCHES]
    head = ["### What becomes of requests in batches", "", "| quirk | seen at | what Gauger does |", "|---|---|---|"]
    parts.append("\n".join([*head, *rows]))
    words = {ending: ", ".join(f"`{word}`" for word in KNOWN[ending]) for ending in Ending if ending in KNOWN}
    reasons = "\n".join(f"| {ending.value} | {found} |" for ending, found in words.items())
    parts.append(f"### Reasons for ending that are known\n\n| means | words, in any case |\n|---|---|\n{reasons}")
    return "\n\n".join(parts)


def main() -> None:
    path = Path(sys.argv[1])
    text = path.read_text("utf-8")
    before, rest = text.split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
