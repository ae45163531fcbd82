"""Whether two checkpoints speak the same tokens, told from their files before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

from gauger.errors import Place, UserError

FILE = "tokenizer.json"


def vocabulary(checkpoint: Path) -> dict[str, int] | None:
    """Return the tokens of a checkpoint with their numbers; None where no `tokenizer.json` tells them."""
    path = checkpoint / FILE
    if not path.is_file():
        return None
    described = json.loads(path.read_text(encoding="utf-8"))
    listed = described["model"]["vocab"]
    tokens = listed if isinstance(listed, dict) else {token: number for number, (token, _) in enumerate(listed)}
    return tokens | {added["content"]: added["id"] for added in described["added_tokens"]}


def require_same_tokens(teacher: Path, student: Path) -> None:
    """Refuse a teacher that is to score a student's samples and has other tokens; what files do not tell is let pass.

    Raises
    ------
    UserError
        Where the two differ in any token or its number.
    """
    theirs, ours = vocabulary(teacher), vocabulary(student)
    if theirs is None or ours is None or theirs == ours:
        return
    raise UserError(
        "a teacher with the student's tokenizer, to score the student's own samples",
        f"one with {len(theirs)} tokens against {len(ours)}, or other numbers for them",
        Place(key="teacher.model"),
        "Text distillation (kind: text-distill) is the way to learn from a teacher with other tokens.",
    )
