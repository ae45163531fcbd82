"""Defines `computing`: precision and attention of a model of transformers, and what saves memory in training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from gauger.spec.base import Count, OptIn, SpecPart, unasked

Attention = Literal["sdpa", "flash_attention_2", "eager"]
Precision = Literal["float32", "bfloat16"]


class Computing(SpecPart):
    """How the engine `hf` computes; left out, it does as it always has."""

    precision: Annotated[Precision | None, OptIn()] = None
    """Numbers that the model is loaded and multiplied in, asked and trained; what is trained is kept in float32 all the
    same. Null: bfloat16 on a GPU that has it, else float32. On a CPU bfloat16 is slow."""
    attention: Annotated[Attention | None, OptIn()] = None
    """Which of the library's attentions runs, asked and trained. `flash_attention_2` needs a GPU and the package
    flash-attn; `eager` writes the whole matrix down. Null: the library's choice for the model, mostly `sdpa`."""
    checkpoint_activations: Annotated[bool, OptIn()] = False
    """In training, keep what enters each layer alone and compute the rest again on the way back: far less memory, about
    a third more time, and the same results."""
    pack_rows: Annotated[bool, OptIn()] = False
    """In training, put the rows of a batch behind each other instead of padding them; each row still sees itself alone.
    A model that lets rows in a pack see each other is refused."""
    tokens_together: Annotated[Count | None, OptIn()] = None
    """In training, most tokens that go through the model at once, padding included; a step of more goes in pieces. More
    take more memory and fill a GPU. Null: 1,024."""
    quantise_base: Annotated[Literal["nf4"] | None, OptIn()] = None
    """In training with `lora`, hold the frozen weights in 4 bits (QLoRA): needs a GPU and the package bitsandbytes.
    The student is the adapter on the weights as they were: it is asked and saved without the rounding."""

    @property
    def asking(self) -> Computing | None:
        """What of it moves a model's answers; None: nothing."""
        answers = Computing(precision=self.precision, attention=self.attention)
        return None if answers == Computing() else answers

    @property
    def deciding(self) -> dict[str, Any]:
        """Return the settings that were made and can move a result, by name."""
        others = ("precision", "attention", "pack_rows", "tokens_together", "quantise_base")
        return {name: getattr(self, name) for name in others if not unasked(self, name)}
