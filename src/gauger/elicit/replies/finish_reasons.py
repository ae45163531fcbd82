"""Says what the providers' reasons for ending a reply mean; one that nobody knows is flagged.

Reasons are compared without case, and without the name of an enumeration before them (`FinishReason.MAX_TOKENS`).
"""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """How a reply ended."""

    WHOLE = "whole"
    """The model ended it itself, or a stop string did."""
    CUT = "cut off"
    """By a limit on tokens, on time or on the context, or because the server gave it up half-way."""
    DECLINED = "declined"
    """By the model, or by a filter before, beside or behind it."""
    TOOL = "tool call"
    """The model called a tool instead of answering."""
    BROKEN = "broken"
    """The server failed: asking again may help."""
    UNKNOWN = "unknown"
    """No reason that is known: never taken for whole."""


KNOWN: dict[Ending, tuple[str, ...]] = {
    # OpenAI, vLLM, TGI, Anthropic, Gemini, Cohere, Mistral, Bedrock, Ollama, llama.cpp, and gateways before them
    Ending.WHOLE: (
        "stop",
        "end_turn",
        "stop_sequence",
        "eos",
        "eos_token",
        "stop_token",
        "complete",
        "completed",
        "finish",
        "finished",
        "done",
        "success",
    ),
    Ending.CUT: (
        "length",
        "max_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "max_new_tokens",
        "model_length",
        "model_context_window_exceeded",
        "context_length",
        "context_length_exceeded",
        "error_limit",
        "incomplete",
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "timeout",
        "time_limit",
        "user_cancel",
        "repetition",
        "pause_turn",
    ),
    Ending.DECLINED: (
        "content_filter",
        "content_filtered",
        "refusal",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "language",
        "image_safety",
        "model_armor",
        "guardrail_intervened",
        "guardrail",
        "sensitive",
        "error_toxic",
        "moderation",
        "flagged",
        "policy_violation",
        "violation",
    ),
    Ending.TOOL: (
        "tool_calls",
        "tool_call",
        "tool_use",
        "function_call",
        "malformed_function_call",
        "malformed_tool_use",
        "unexpected_tool_call",
    ),
    Ending.BROKEN: ("error", "network_error", "insufficient_system_resource", "internal_error", "engine_overloaded"),
}
"""What each known reason means."""
_ENDINGS = {word: ending for ending, words in KNOWN.items() for word in words}


def ending_of(reason: object) -> Ending:
    """Return what a reason for ending means; none at all is taken for whole, as old servers leave it out."""
    if reason is None or reason == "":
        return Ending.WHOLE
    word = str(reason).rpartition(".")[2].strip().lower().replace("-", "_").replace(" ", "_")
    return _ENDINGS.get(word, Ending.UNKNOWN)
