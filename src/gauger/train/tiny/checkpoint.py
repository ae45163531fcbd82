"""A decoder on disk: `model.safetensors`, with its shape in the file's metadata. No other format is read or written."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gauger.errors import DamagedError
from gauger.train.tiny.model import Decoder, DecoderConfig

WEIGHTS = "model.safetensors"


def save(model: Decoder, directory: Path) -> Path:
    """Write a decoder into a directory."""
    path = directory / WEIGHTS
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, str(path), metadata={"config": json.dumps(model.config.to_dict(), sort_keys=True)})
    return path


def load(directory: Path) -> Decoder:
    """Read a decoder back, in evaluation mode."""
    path = directory / WEIGHTS
    with safe_open(str(path), framework="pt") as file:
        described = (file.metadata() or {}).get("config")
        if described is None:
            raise DamagedError(f"{path} does not say the shape of its decoder")
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    with torch.device("meta"):
        model = Decoder(DecoderConfig(**json.loads(described)))
    model.load_state_dict(weights, assign=True)
    return model.eval()
