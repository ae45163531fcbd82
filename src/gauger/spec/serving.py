"""Defines `serve`: the command that serves a model of the user's on this machine, to be asked over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from gauger.spec.base import CommandLine, Reference, SpecPart, VariableName


class Serving(SpecPart):
    """How a model is served; whoever asks it then does so as any endpoint is asked, many requests at once."""

    command: CommandLine
    """Program and arguments, read by no shell: `vllm serve {model} --port {port}`, `llama-server -m {model}/model.gguf
    --port {port}`, `transformers serve {model} --port {port}`. `{gpus}` is the number of GPUs that it gets."""
    name: Reference = "{model}"
    """What requests call the model."""
    path: Reference = "/v1"
    """What follows host and port in the address of its interface."""
    health: Reference = "/health"
    """What answers 200 once it can be asked."""
    start_minutes: Annotated[float, Field(gt=0, le=1440)] = 15.0
    """How long it may take to begin."""
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 64
    """Requests in flight at once."""
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Longest wait for a whole reply."""
    manner: Literal["chat", "completions"] | None = None
    """`completions`: plain text to be continued. Null: `chat` where the world puts prompts into a chat template."""
    environment: Annotated[tuple[VariableName, ...], Field(max_length=64), Strict(False)] = ()
    """Environment variables that it may see besides those that say where things are."""
    gpus: Annotated[int, Field(ge=0, le=1024)] = 1
    """GPUs that it gets, where the machine has any."""
