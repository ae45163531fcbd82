"""A local transformers model as the decoder that measuring wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gauger.elicit.teacher.messages import Message
from gauger.measure.decoder import Completion

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class HfDecoder:
    """A model with its tokenizer; offers `measure.decoder.Decoder`."""

    model: PreTrainedModel
    """Merge an adapter first (`train.hf.lora.merge`): it decodes faster."""
    tokenizer: PreTrainedTokenizerBase
    chat: bool = False
    """Put prompts into the tokenizer's chat template, as a user's turn (`LanguageWorld.chat`)."""
    batch: int = 64
    """Prompts decoded together."""

    def complete(
        self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int, stops: Sequence[str]
    ) -> Sequence[Completion]:
        """Continue each prompt."""
        from gauger.train.hf.decode import Decoding, complete

        decoding = Decoding(max_new_tokens, temperature, tuple(stops), self.batch)
        shown = [(Message("user", prompt),) if self.chat else prompt for prompt in prompts]
        return complete(self.model, self.tokenizer, shown, decoding, seed)
