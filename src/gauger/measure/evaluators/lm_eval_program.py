"""Says how lm-eval is run on a task, against a checkpoint or an endpoint."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gauger.errors import Place, UserError
from gauger.measure.evaluators.target import EvaluationTarget
from gauger.spec import LmEvalTask

_MARKS = re.compile(r"""[,='"()\[\]{}]""")


class LmEvalProgram:
    """The command line of lm-eval 0.4: `lm_eval run`."""

    version = "from importlib.metadata import version; print('lm_eval', version('lm_eval'))"
    key = "OPENAI_API_KEY"

    def command(self, task: LmEvalTask, target: EvaluationTarget, folder: Path, out: Path) -> Sequence[str]:
        """Return program and arguments; samples are logged, for they are what is read."""
        program = shlex.split(task.program) if task.program else [sys.executable, "-m", "lm_eval"]
        words = [*program, "run", "--model", self._model(target), "--model_args", self._arguments(task, target)]
        words += ["--tasks", task.task, "--output_path", str(out), "--log_samples", "--seed", str(target.seed)]
        words += ["--batch_size", str(task.concurrency if target.url is None else 1)]
        words += [] if target.url else ["--device", "cuda" if target.gpus else "cpu"]
        words += ["--apply_chat_template"] if target.chat else []
        words += [] if task.include is None else ["--include_path", str(included(task, folder))]
        if generation := self._generation(task, target):
            words += ["--gen_kwargs", json.dumps(generation)]
        words += [] if task.limit is None else ["--limit", str(task.limit)]
        return words + ([] if task.shots is None else ["--num_fewshot", str(task.shots)])

    @staticmethod
    def _model(target: EvaluationTarget) -> str:
        if target.url is None:
            return "hf"
        return "local-chat-completions" if target.chat else "local-completions"

    @staticmethod
    def _generation(task: LmEvalTask, target: EvaluationTarget) -> dict[str, Any]:
        """Return what answers are written with, whatever the task says."""
        return dict(target.sent) | ({} if task.max_tokens is None else {"max_gen_toks": task.max_tokens})

    @staticmethod
    def _arguments(task: LmEvalTask, target: EvaluationTarget) -> str:
        arguments: dict[str, Any]
        if target.url is None:
            precision = target.precision or ("bfloat16" if target.gpus else "float32")
            arguments = {"pretrained": str(target.checkpoint), "dtype": precision}
            arguments |= {"attn_implementation": target.attention} if target.attention else {}
        else:
            path = "/chat/completions" if target.chat else "/completions"
            arguments = {"model": target.name, "base_url": target.url + path, "num_concurrent": task.concurrency}
            arguments |= {"tokenized_requests": False, "max_retries": 5}
            arguments |= {"tokenizer": str(target.checkpoint)} if target.checkpoint else {"tokenizer_backend": None}
        arguments |= dict(task.model_args)
        # NAME=VALUE,... holds no value with marks of its own; JSON, which is read too, holds all
        if any(_MARKS.search(str(value)) for value in arguments.values()):
            return json.dumps(arguments)
        return ",".join(f"{name}={value}" for name, value in arguments.items())

    def environment(self, target: EvaluationTarget) -> Mapping[str, str]:
        """Let nothing be fetched where its data are files; a server of our own wants some key, whichever."""
        return {"HF_DATASETS_TRUST_REMOTE_CODE": "0", "TOKENIZERS_PARALLELISM": "false"} | (
            {self.key: "none"} if target.url else {}
        )

    def files(self, task: LmEvalTask, folder: Path) -> Sequence[Path]:
        """Return all in the folder of the user's tasks."""
        return sorted(path for path in included(task, folder).rglob("*") if path.is_file()) if task.include else ()


def included(task: LmEvalTask, folder: Path) -> Path:
    """Return the folder with the user's tasks.

    Raises
    ------
    UserError
        Where there is none.
    """
    place = (folder / str(task.include)).resolve()
    if not place.is_dir():
        raise UserError("a folder with tasks", "none", Place(str(place)))
    return place


PROGRAM = LmEvalProgram()
"""The one that `target.PROGRAMS` names."""
