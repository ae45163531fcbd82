"""Says how Inspect is run on a task, against a checkpoint or an endpoint."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gauger.errors import Place, UserError
from gauger.measure.evaluators.target import EvaluationTarget
from gauger.spec import InspectTask

_SERVICE = "evaluated"
"""Name under which Inspect looks for address and key: EVALUATED_BASE_URL, EVALUATED_API_KEY."""

_VERSIONS = """\
from importlib.metadata import entry_points, version
packages = sorted({f"{entry.dist.name} {entry.dist.version}" for entry in entry_points(group="inspect_ai")})
print("inspect_ai", version("inspect_ai"), *packages)
"""
"""Python that prints Inspect's version and those of all packages that register tasks with it."""


class InspectProgram:
    """The command line of Inspect: `inspect eval`."""

    version = _VERSIONS
    key = f"{_SERVICE.upper()}_API_KEY"

    def command(self, task: InspectTask, target: EvaluationTarget, folder: Path, out: Path) -> Sequence[str]:
        """Return program and arguments; the log is what is read."""
        program = shlex.split(task.program) if task.program else [sys.executable, "-m", "inspect_ai"]
        words = [*program, "eval", self._task(task, folder), "--log-dir", str(out), "--log-format", "json"]
        words += ["--display", "none", "--no-ansi", "--max-connections", str(task.concurrency)]
        words += ["--seed", str(target.seed), "--no-fail-on-error"]
        if target.url is None:
            device = "cuda" if target.gpus else "cpu"
            words += ["--model", "hf/local", "-M", f"model_path={target.checkpoint}", "-M", f"device={device}"]
            chosen = {"dtype": target.precision, "attn_implementation": target.attention}
            words += [word for name, value in chosen.items() if value for word in ("-M", f"{name}={value}")]
        else:
            words += ["--model", f"openai-api/{_SERVICE}/{target.name}"]
            words += ["--extra-body", json.dumps(dict(target.sent))] if target.sent else []
        words += [] if task.max_tokens is None else ["--max-tokens", str(task.max_tokens)]
        words += [] if task.limit is None else ["--limit", str(task.limit)]
        for name, value in task.settings.items():
            words += ["-T", f"{name}={json.dumps(value) if not isinstance(value, str) else value}"]
        return words

    @staticmethod
    def _task(task: InspectTask, folder: Path) -> str:
        file, mark, name = task.task.partition("@")
        return f"{(folder / file).resolve()}{mark}{name}" if file.endswith(".py") else task.task

    def environment(self, target: EvaluationTarget) -> Mapping[str, str]:
        """Say where a served model is; a server of our own wants some key, whichever."""
        return {self.key: "none", f"{_SERVICE.upper()}_BASE_URL": target.url} if target.url else {}

    def files(self, task: InspectTask, folder: Path) -> Sequence[Path]:
        """Return the task's file with all that lies in its folder and below: it may import or read any of it."""
        file = (folder / task.task.partition("@")[0]).resolve()
        if file.suffix != ".py":
            return ()
        if not file.is_file():
            raise UserError("a file with a task of Inspect", "none", Place(str(file)))
        files = (path for path in file.parent.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return sorted(files)


PROGRAM = InspectProgram()
"""The one that `target.PROGRAMS` names."""
