"""Defines what an engine gives to every stage: a model that answers, says how likely texts are, and can be trained.

An engine is a model and nothing else. Losses, rows, the loop and the stages know these protocols alone; no code outside
an engine asks which one it has. `registry.py` names the engines, `tiny/` and `hf/` are two of them.

Dimension letters: B rows of a batch, T tokens of a row, P learnt positions of all rows one after the other, D width,
V vocabulary, K tokens shown at a position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gauger.train.batches import PaddedRows
from gauger.train.rows import IntArray, Prompt, TokenRows, TrainingRow
from gauger.train.schedule import TrainingSchedule
from gauger.train.soft_targets import Shown

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from gauger.spec import Computing
    from gauger.train.head import Head
    from gauger.train.processes import Processes


class Steer(Protocol):
    """What chooses next tokens otherwise than a model would."""

    def __call__(self, logits_BV: Tensor, contexts: Sequence[Sequence[int]]) -> Tensor:
        """Return the logits to go by after texts of these tokens, (B, V), on the same device."""
        ...


@dataclass(frozen=True)
class Continuation:
    """How to continue prompts; stops and seeds are given with each prompt."""

    max_new_tokens: int
    """Most new tokens, end mark included; the model's context is a limit too."""
    temperature: float = 0.0
    """0 takes the most likely token; otherwise softmax(logits / temperature) is sampled."""
    batch: int | None = None
    """Prompts decoded together, which changes speed and memory, not answers; None: as suits the engine."""
    steer: Steer | None = None
    """Changes the logits before each token is taken or drawn; None: they are the model's own."""


@dataclass(frozen=True)
class Completion:
    """One answer."""

    text: str
    """Follows the prompt as it stands (`prompt + text` is the whole text), without end mark and without its stop."""
    ended: bool
    """False where the token limit or the context cut it off."""
    stop: str | None
    """The stop string that ended it; None where the model's own end mark did, or nothing."""
    tokens_in: int
    """Tokens of the prompt, begin mark included."""
    tokens_out: int
    """New tokens, end mark or stop included."""
    ids: tuple[int, ...] = ()
    """The new tokens, end mark or stop included."""


@dataclass(frozen=True)
class Adapter:
    """Shape of a low-rank adapter (Hu et al. 2022): W' = W + (alpha / rank) B A."""

    rank: int = 16
    alpha: float = 32
    modules: str | tuple[str, ...] = "all"
    """all: every matrix of the layers; attention: those of attention; or last names, such as ("q_proj", "v_proj")."""
    layers: int | None = None
    """Only the top k layers; None: all. Below them no gradient is needed, so fewer layers train faster."""


@dataclass(frozen=True)
class Architecture:
    """Shape of a decoder that an engine can build from scratch."""

    width: int = 64
    """Residual width; a multiple of `heads`."""
    layers: int = 2
    heads: int = 4


@dataclass(frozen=True)
class Defaults:
    """What an engine trains with where nobody chose."""

    weight_decay: float
    """AdamW's, decoupled."""
    clip: float | None
    """Largest norm of a step's gradient; None: not cut."""
    micro_tokens: int
    """Most tokens, padding included, that go through the model together; changes memory and speed, not the result."""

    def schedule(self, steps: int, learning_rate: float, weight_decay: float | None = None) -> TrainingSchedule:
        """Return a schedule with these defaults; `weight_decay` None takes the engine's."""
        decay = self.weight_decay if weight_decay is None else weight_decay
        return TrainingSchedule(steps, learning_rate, decay, clip=self.clip)


class Model(Protocol):
    """A language model of any engine.

    A text is a prompt and a completion as strings. A prompt is plain text, continued as it stands, or messages, put
    into the model's chat template where it has one (else their contents follow each other).
    """

    @property
    def defaults(self) -> Defaults:
        """What the model's engine trains with where nobody chose."""
        ...

    @property
    def n_parameters(self) -> int:
        """Number of weights, embeddings included, adapters not."""
        ...

    @property
    def context(self) -> int:
        """Longest text in tokens, marks included."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are, and batches must be."""
        ...

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """Token -> number: two models whose vocabularies are equal can be compared token by token."""
        ...

    # --- text ---------------------------------------------------------------------------------------------------

    def complete(
        self,
        prompts: Sequence[Prompt],
        decoding: Continuation,
        seeds: Sequence[int] | None = None,
        stops: Sequence[tuple[str, ...]] | None = None,
    ) -> list[Completion]:
        """Continue each prompt.

        Parameters
        ----------
        prompts : sequence of Prompt
            Any number; a prompt that fills the context gets an empty answer that has not ended.
        decoding : Decoding
            Length and temperature.
        seeds : sequence of int, optional
            One per prompt, at least 0; they matter where `decoding.temperature` is above 0. None: 0 for all. What a
            prompt gets depends on itself, its seed and its stops alone, never on what stands beside it (up to the
            rounding of float32); equal prompts with equal seeds get equal answers.
        stops : sequence of tuple of str, optional
            Strings that end an answer, one tuple per prompt; None: the model's own end mark alone.

        Returns
        -------
        list of Completion
            In the order of `prompts`.
        """
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each plain text, without begin and end marks."""
        ...

    def encode_prompt(self, prompt: Prompt) -> tuple[int, ...]:
        """Return the tokens that a completion follows, begin mark included."""
        ...

    def encode(self, rows: Sequence[TrainingRow]) -> TokenRows:
        """Return rows as tokens with an end mark, cut to the context; completions are tokenised apart from prompts."""
        ...

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """Return each token as text of its own."""
        ...

    def added_texts(self, ids: Sequence[int]) -> list[str | None]:
        """Return the text that each token adds to that of those before it; None where it ends within a character.

        What such a token adds, the one that makes the character whole does.
        """
        ...

    # --- likelihood ---------------------------------------------------------------------------------------------

    def log_probabilities(self, rows: Sequence[TrainingRow], top_k: int | None) -> list[Shown]:
        """Return, per row, the `top_k` most likely tokens (None: all) at each learnt position, in nats."""
        ...

    def hidden(self, batch: PaddedRows) -> Tensor:
        """Return the last hidden states that predict the learnt tokens, (P, D), row after row.

        Gradients flow where weights need them; call under `torch.no_grad()` for likelihoods alone.
        """
        ...

    def head(self) -> Head:
        """Return what makes logits of hidden states."""
        ...

    # --- training -----------------------------------------------------------------------------------------------

    def trainee(self, adapter: Adapter | None, seed: int) -> Model:
        """Return this model ready to be trained, sharing its weights.

        With an adapter a fresh one, drawn from `seed`, is all that is trained; an adapter that the model already has
        becomes part of its weights first. An engine without adapters refuses one.
        """
        ...

    def weights(self) -> dict[str, nn.Parameter]:
        """Return the weights that need gradients, by name."""
        ...

    def reuse(self, coming: Sequence[tuple[TokenRows, IntArray]]) -> None:
        """Hear which rows will come how often (N,), to compute once what no training changes; may do nothing."""
        ...

    def processes(self) -> Processes:
        """Return the processes that share each step."""
        ...

    def digest(self) -> str:
        """Return 32 hexadecimal digits over all weights but an adapter's."""
        ...

    def copy(self) -> Model:
        """Return a frozen copy: what a reference is."""
        ...

    def merged(self) -> Model:
        """Return the model with its adapter in its weights; itself where it has none."""
        ...

    def save(self, directory: Path, base: str | Path = "") -> None:
        """Write the model: an adapter alone where it has one, else everything. Safetensors and JSON only.

        `base` is what an adapter then refers to; a relative path counts from `directory`.
        """
        ...


class Engine(Protocol):
    """Loads and builds models of one kind."""

    @property
    def defaults(self) -> Defaults:
        """What it trains with where nobody chose."""
        ...

    def load(self, directory: Path, base: Path | None = None, computing: Computing | None = None) -> Model:
        """Read a model for use, on the GPU where the engine uses one.

        Parameters
        ----------
        directory : Path
            What `Model.save` or `materialise` left: everything, or an adapter.
        base : Path, optional
            The base that an adapter belongs to; None: the one that it names itself.
        computing : Computing, optional
            How it is run and trained, given only where somebody chose; an engine that has no such choice refuses it.

        Raises
        ------
        InputError
            Not a model of this engine, or an adapter made for other weights.
        """
        ...

    def build(self, architecture: Architecture, words: Sequence[str], context: int, seed: int) -> Model:
        """Make a model from scratch, with weights drawn from `seed`.

        Raises
        ------
        UserError
            Where the engine only goes on from models that exist.
        """
        ...

    def materialise(self, reference: str, out: Path) -> Path:
        """Make sure that a model lies on disk and return its directory: `out`, or the path that `reference` is."""
        ...
