"""Defines a small decoder-only transformer: pre-norm, ReLU MLP, learned positions, tied input and output embeddings.

Plain PyTorch, one file, float32. Dimension letters: B batch, T token position, D width, H head, V vocabulary.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class DecoderConfig:
    """Shape of a decoder; builds it with `build(seed)`."""

    vocabulary: int
    """Number of tokens V."""
    context: int
    """Longest sequence in tokens T."""
    width: int = 64
    """Residual width D; must be a multiple of `heads`."""
    layers: int = 2
    heads: int = 4
    expansion: int = 4
    """Hidden width of the MLP as a multiple of `width`."""

    def build(self, seed: int) -> Decoder:
        """Make the decoder with weights drawn from `seed`; the global generator is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Decoder(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping stored beside the weights."""
        return asdict(self)


class Block(nn.Module):
    """One pre-norm residual block: causal self-attention, then a ReLU MLP."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        width, hidden = config.width, config.width * config.expansion
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.norm_mlp = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Map (B, T, D) to (B, T, D)."""
        B, T, D = x_BTD.shape
        qkv = self.qkv(self.norm_attention(x_BTD)).view(B, T, 3, self.heads, D // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x_BTD = x_BTD + self.mix(mixed.transpose(1, 2).reshape(B, T, D))
        mlp_BTD: Tensor = self.down(F.relu(self.up(self.norm_mlp(x_BTD))))
        return x_BTD + mlp_BTD


class Decoder(nn.Module):
    """Tokens in, next-token logits out."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocabulary, config.width)
        self.position = nn.Embedding(config.context, config.width)
        blocks = [Block(config) for _ in range(config.layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(config.width, bias=False)
        self.apply(_initialise)
        for block in blocks:  # residual branches start small, so that depth does not change the scale (GPT-2)
            for branch in (block.mix, block.down):
                nn.init.normal_(branch.weight, std=0.1 / config.width**0.5 / (2 * config.layers) ** 0.5)

    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """Return the last normalised hidden states (B, T, D)."""
        x_BTD = self.token(tokens_BT) + self.position.weight[: tokens_BT.shape[1]]
        for block in self.blocks:
            x_BTD = block(x_BTD)
        normalised: Tensor = self.norm(x_BTD)
        return normalised

    def logits(self, hidden: Tensor) -> Tensor:
        """Return logits over the vocabulary (..., V) for hidden states (..., D)."""
        return F.linear(hidden, self.token.weight)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return next-token logits (B, T, V)."""
        return self.logits(self.hidden(tokens_BT))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=1 / module.in_features**0.5)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.1)
