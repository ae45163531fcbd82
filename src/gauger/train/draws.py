"""Chooses next tokens: the most likely one, or one drawn by the prompt's own random numbers.

A prompt's numbers depend on its seed, its tokens and the place in the answer alone, so an answer is the same whatever
is decoded beside it. They come from a counter (SplitMix64; Steele, Lea & Flood 2014), all prompts of a place at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def keys_of(prompts: Sequence[Sequence[int]], seeds: Sequence[int]) -> NDArray[np.uint64]:
    """Return one key per prompt, from its tokens and its seed.

    Parameters
    ----------
    prompts : sequence of sequence of int
        B prompts as tokens, of any lengths.
    seeds : sequence of int
        One per prompt.

    Returns
    -------
    array of uint64, (B,)
        Equal for equal prompts with equal seeds, wherever they stand.

    Raises
    ------
    ValueError
        Where there are not as many seeds as prompts.

    Notes
    -----
    Proof: tests/train/test_draws.py.
    """
    keys = [
        blake2b(array("q", prompt).tobytes(), digest_size=8, key=str(seed).encode()).digest()
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]
    return np.frombuffer(b"".join(keys), dtype="<u8")


def uniforms(keys_B: NDArray[np.uint64], place: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) per key, for one place of its answer.

    SplitMix64 (Steele, Lea & Flood 2014), whose state after n steps is the key plus n times a constant: a place is
    reached without the ones before it. The upper 53 bits make the number.

    Parameters
    ----------
    keys_B : array of uint64, (B,)
        From `keys_of`.
    place : int
        Number of the token in the answer, from 0.

    Returns
    -------
    array of float64, (B,)
        Multiples of 2^-53.

    Notes
    -----
    Proof: tests/train/test_draws.py (uniform, and independent over places and prompts).
    """
    mixed = keys_B + np.uint64(
        _GOLDEN * (place + 1) % 2**64
    )  # arrays of unsigned integers wrap around, as SplitMix64 wants
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def next_tokens(logits_BV: Tensor, temperature: float, keys_B: NDArray[np.uint64], place: int) -> Tensor:
    """Take (temperature 0) or draw the next token of each prompt.

    A draw inverts the cumulated softmax(logits / temperature), in float64: it is the first token whose cumulated chance
    is above the prompt's own number in [0, 1).

    Parameters
    ----------
    logits_BV : float tensor, (B, V)
        After the last token of each prompt.
    temperature : float
        0 or below: the most likely token, and the keys are not read.
    keys_B : array of uint64, (B,)
        From `keys_of`.
    place : int
        Number of the token in the answer, from 0; another place, another number.

    Returns
    -------
    int64 tensor, (B,)
        On the device of the logits.

    Notes
    -----
    Proof: tests/train/test_draws.py (drawn by inverting the chances), test_engines.py (samples follow the model).
    """
    if temperature <= 0:
        return logits_BV.argmax(dim=-1)
    chances = (logits_BV.double() / temperature).softmax(dim=-1).cumsum(dim=-1)
    drawn_B1 = torch.from_numpy(uniforms(keys_B, place))[:, None].to(chances.device) * chances[:, -1:]
    # right: a number of 0 must not draw a token of chance 0. Clamped: rounding can lift a number to the whole sum
    return torch.searchsorted(chances, drawn_B1, right=True)[:, 0].clamp_max(logits_BV.shape[1] - 1)
