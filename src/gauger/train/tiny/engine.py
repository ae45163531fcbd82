"""Makes small decoders a `Model`: with their words, on disk as one safetensors file, trained whole on one CPU."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gauger.errors import DamagedError, InputError, Place, UserError
from gauger.train.batches import PaddedRows
from gauger.train.engine import Adapter, Architecture, Completion, Continuation, Defaults
from gauger.train.head import Head
from gauger.train.likelihood import log_probabilities
from gauger.train.processes import Alone
from gauger.train.rows import IntArray, Prompt, TokenRows, TrainingRow
from gauger.train.soft_targets import Shown
from gauger.train.state import weights_digest
from gauger.train.tiny.decode import complete
from gauger.train.tiny.model import Decoder, DecoderConfig
from gauger.train.tiny.tokens import Words

if TYPE_CHECKING:
    from gauger.spec import Computing

WEIGHTS = "model.safetensors"
DEFAULTS = Defaults(weight_decay=0.1, clip=None, micro_tokens=1 << 15)


@dataclass(frozen=True)
class TinyModel:
    """A decoder with its words; offers `train.engine.Model`."""

    decoder: Decoder
    words: Words

    defaults = DEFAULTS

    @property
    def n_parameters(self) -> int:
        """Number of weights, embeddings included."""
        return sum(weight.numel() for weight in self.decoder.parameters())

    @property
    def context(self) -> int:
        """Longest text in tokens, marks included."""
        return self.decoder.config.context

    @property
    def device(self) -> torch.device:
        """Return the CPU."""
        return torch.device("cpu")

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """Word -> number."""
        return self.words.numbers

    def complete(
        self,
        prompts: Sequence[Prompt],
        decoding: Continuation,
        seeds: Sequence[int] | None = None,
        stops: Sequence[tuple[str, ...]] | None = None,
    ) -> list[Completion]:
        """Continue each prompt; a stop is a word."""
        seeds, stops = seeds or [0] * len(prompts), stops or [()] * len(prompts)
        return complete(self.decoder, self.words, prompts, decoding, seeds, stops)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count words."""
        return [len(text.split()) for text in texts]

    def encode_prompt(self, prompt: Prompt) -> tuple[int, ...]:
        """Return the begin mark and the words' numbers."""
        return tuple(self.words.prompt_ids(prompt))

    def encode(self, rows: Sequence[TrainingRow]) -> TokenRows:
        """Return rows as tokens."""
        return self.words.encode(rows, self.context)

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """Return each token's word."""
        return [self.words.words[token] for token in ids]

    def added_texts(self, ids: Sequence[int]) -> list[str | None]:
        """Return each token's word: every token is whole."""
        return list(self.token_texts(ids))

    def log_probabilities(self, rows: Sequence[TrainingRow], top_k: int | None) -> list[Shown]:
        """Return the most likely tokens at each learnt position."""
        return log_probabilities(self, rows, top_k)

    def hidden(self, batch: PaddedRows) -> Tensor:
        """Return the hidden states that predict the learnt tokens, (P, D)."""
        return self.decoder.hidden(batch.tokens_BT[:, :-1])[batch.learnt]

    def head(self) -> Head:
        """Return the tied embedding."""
        return Head(self.decoder.token.weight)

    def trainee(self, adapter: Adapter | None, seed: int) -> TinyModel:  # noqa: ARG002 - nothing is drawn
        """Return the model with all weights trained."""
        if adapter is not None:
            raise UserError("no adapter for a tiny model", repr(adapter), hint="All of its weights are trained.")
        self.decoder.requires_grad_(True)
        return self

    def weights(self) -> dict[str, nn.Parameter]:
        """Return all weights."""
        return {name: weight for name, weight in self.decoder.named_parameters() if weight.requires_grad}

    def reuse(self, coming: Sequence[tuple[TokenRows, IntArray]]) -> None:
        """Do nothing: every weight is trained."""

    def processes(self) -> Alone:
        """Return the one process."""
        return Alone()

    def digest(self) -> str:
        """Return 32 hexadecimal digits over all weights."""
        return weights_digest(self.decoder.state_dict())

    def copy(self) -> TinyModel:
        """Return a frozen copy."""
        return TinyModel(deepcopy(self.decoder).requires_grad_(False), self.words)

    def merged(self) -> TinyModel:
        """Return the model itself."""
        return self

    def save(self, directory: Path, base: str | Path = "") -> None:  # noqa: ARG002 - there is no adapter
        """Write weights, and the decoder's shape and words in the file's metadata."""
        weights = {name: tensor.detach().contiguous() for name, tensor in self.decoder.state_dict().items()}
        described = json.dumps({"config": self.decoder.config.to_dict(), "words": self.words.own}, sort_keys=True)
        # one key alone: safetensors writes several in an order that differs from process to process
        save_file(weights, str(directory / WEIGHTS), metadata={"decoder": described})


class TinyEngine:
    """Loads small decoders and makes new ones; offers `train.engine.Engine`."""

    defaults = DEFAULTS

    def load(
        self,
        directory: Path,
        base: Path | None = None,  # noqa: ARG002 - there is no adapter
        computing: Computing | None = None,
    ) -> TinyModel:
        """Read a decoder back; how it computes is not for choice."""
        if computing is not None:
            raise UserError("an engine that lets it be chosen how it computes, such as hf", "tiny")
        path = self.materialise(str(directory), directory) / WEIGHTS
        with safe_open(str(path), framework="pt") as file:
            described = json.loads((file.metadata() or {}).get("decoder", "{}"))
            if not {"config", "words"} <= described.keys():
                raise DamagedError(f"{path} does not say the shape and the words of its decoder")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        with torch.device("meta"):
            decoder = Decoder(DecoderConfig(**described["config"]))
        decoder.load_state_dict(weights, assign=True)
        return TinyModel(decoder.eval(), Words(described["words"]))

    def build(self, architecture: Architecture, words: Sequence[str], context: int, seed: int) -> TinyModel:
        """Make a decoder over these words with weights drawn from `seed`."""
        own, shape = Words(words), architecture
        config = DecoderConfig(len(own), context, shape.width, shape.layers, shape.heads)
        return TinyModel(config.build(seed), own)

    def materialise(self, reference: str, out: Path) -> Path:  # noqa: ARG002 - nothing is unpacked
        """Return the directory if it holds a decoder."""
        if not (Path(reference) / WEIGHTS).is_file():
            raise InputError(f"a directory with {WEIGHTS}", "none there", Place(reference))
        return Path(reference)


ENGINE = TinyEngine()
"""The one instance that the registry loads."""
