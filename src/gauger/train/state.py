"""Writes and reads checkpoints of an unfinished training: weights and moments in one safetensors file.

A training that was killed and goes on ends with the same bytes as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gauger.errors import InputError, Place
from gauger.store import write_with

STATE = "training.safetensors"
_KEPT = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight; nothing where no step has given it a gradient yet."""


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a training writes down how far it is."""

    directory: Path
    """One training's own; the caller removes it when the training's result is safe."""
    every: int = 100
    """Steps between two checkpoints."""


@dataclass
class TrainingProgress:
    """How far a training came."""

    step: int = 0
    """Steps done."""
    losses: list[float] = field(default_factory=list)
    n_tokens: int = 0
    n_learnt: int = 0


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Return 32 hexadecimal digits over names and values of weights (1 s per gigabyte)."""
    digest = blake2b(digest_size=16)
    for name, weight in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_state(
    path: Path,
    identity: str,
    trained: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    progress: TrainingProgress,
) -> None:
    """Write a checkpoint in one step: whoever is killed meanwhile still finds the one before.

    Parameters
    ----------
    path : Path
        The file; written over.
    identity : str
        Fingerprint of everything that decides the training; `read_state` wants the same.
    trained : mapping of str to Parameter
        Weights that are trained, by name.
    optimizer : Optimizer
        AdamW over these weights; its step and moments are written for each weight that has any.
    progress : Progress
        Steps done, their losses and tokens.

    Notes
    -----
    Proof: tests/train/test_text.py (a killed training goes on bit for bit).
    """
    tensors: dict[str, Tensor] = {}
    for name, weight in trained.items():
        tensors[f"weight/{name}"] = weight.detach().contiguous()
        for kept, value in optimizer.state.get(weight, {}).items():
            tensors[f"{kept}/{name}"] = value.contiguous()
    metadata = {"identity": identity, "progress": json.dumps(asdict(progress))}
    write_with(path, lambda temporary: save_file(tensors, str(temporary), metadata=metadata))


def read_state(
    path: Path, identity: str, trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> TrainingProgress:
    """Put weights and moments back and return the progress; a fresh one where there is no checkpoint.

    Parameters
    ----------
    path : Path
        What `write_state` wrote, or nothing yet.
    identity : str
        Of the training that wants to go on.
    trained : mapping of str to Parameter
        Changed in place; names and shapes as they were written.
    optimizer : Optimizer
        AdamW over these weights, changed in place; its learning rate is set by the loop in every step.

    Returns
    -------
    Progress
        The next step is `progress.step`, counted from 0.

    Raises
    ------
    InputError
        Where the checkpoint belongs to another training (other data, seed, schedule, base, loss or adapter).

    Notes
    -----
    Proof: tests/train/test_text.py (a checkpoint of another training is refused).
    """
    if not path.exists():
        return TrainingProgress()
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("identity") != identity:
            raise InputError(
                "a checkpoint of this training", "one of another", Place(str(path)), hint="Remove it or choose another."
            )
        progress, names = TrainingProgress(**json.loads(metadata["progress"])), set(file.keys())
        with torch.no_grad():
            for name, weight in trained.items():
                weight.copy_(file.get_tensor(f"weight/{name}"))
                if f"step/{name}" in names:
                    optimizer.state[weight] = {k: file.get_tensor(f"{k}/{name}").to(weight.device) for k in _KEPT}
    return progress
