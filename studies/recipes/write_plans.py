"""Writes `NAME.plan.txt` beside every recipe: its plan, for stand-in checkpoints of the size that the recipe is for.

Usage: python studies/recipes/write_plans.py. A stand-in is a configuration and a file with a hole of the size of the
weights: a plan reads no more of a checkpoint.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SMALL = {"weights": 1_540_000_000, "hidden_size": 1536, "num_hidden_layers": 28}
MIDDLE = {"weights": 8_030_000_000, "hidden_size": 4096, "num_hidden_layers": 32}
LARGE = {"weights": 70_600_000_000, "hidden_size": 8192, "num_hidden_layers": 80}
MODELS = {
    "one-gpu": {"student": SMALL},
    "api-teacher": {"student": SMALL},
    "ladder": {"student-1b": SMALL, "student-3b": {**MIDDLE, "weights": 3_210_000_000}, "student-8b": MIDDLE},
    "eight-gpus": {"student": MIDDLE, "teacher": LARGE},
}
RUNS = {"ladder": [("student-1b",), ("student-3b",), ("student-8b",)]}
"""Recipes that are run once for each of some students."""


def stand_in(directory: Path, weights: int, hidden_size: int, num_hidden_layers: int) -> None:
    """Make a checkpoint of a size, without any weights."""
    directory.mkdir(parents=True)
    shape = {"hidden_size": hidden_size, "num_hidden_layers": num_hidden_layers, "num_attention_heads": 32}
    (directory / "config.json").write_text(json.dumps({**shape, "num_key_value_heads": 8, "dtype": "bfloat16"}))
    with (directory / "model.safetensors").open("wb") as file:
        file.truncate(2 * weights)


def plan(name: str, folder: Path, *settings: str) -> str:
    """Return what `gauger plan` prints."""
    study = folder / f"{name}.yaml"
    study.write_text((HERE / f"{name}.yaml").read_text())
    command = [sys.executable, "-m", "gauger", "plan", study.name, "--workers", "1", *settings]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def written(name: str) -> str:
    """Return a recipe's plans."""
    with tempfile.TemporaryDirectory() as folder:
        for model, size in MODELS[name].items():
            stand_in(Path(folder) / "models" / model, **size)
        lines = []
        for (student,) in RUNS.get(name, [("",)]):
            settings = ("--set", f"student.model=models/{student}") if student else ()
            lines.append(
                f"$ gauger plan {' '.join([f'{name}.yaml', *settings])}\n{plan(name, Path(folder), *settings)}"
            )
        return "\n".join(lines)


if __name__ == "__main__":
    for recipe in MODELS:
        (HERE / f"{recipe}.plan.txt").write_text(written(recipe))
        print(recipe)
