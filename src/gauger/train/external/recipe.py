"""Checks and fills in what an external stage is run with: its command, and its configuration from a template."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from string import Formatter
from typing import Any

from gauger.errors import UserError, nearest
from gauger.spec import Learns
from gauger.train.external.step_passes import CALLED, passes_of_step
from gauger.train.external.trainers import ROW_FORMATS, ExternalTrainer

NAMES: Mapping[str, str] = {
    "answer_tokens": "longest answer that the student writes, in tokens; null where it writes none",
    "batch": "rows of a step; of preferences and rewards its answers, two to a pair",
    "beta": "how strongly preferences hold the student to what it was; null where there are none",
    "checkpoint_steps": "steps between checkpoints",
    "checkpoints": "folder for checkpoints, which outlives a killed job",
    "clip": "ratio of new to old probability, less 1, beyond which a token adds nothing; null without rewards",
    "config": "the configuration's file",
    "data": "file with the rows, in the order in which they are trained on: one pass over it is the whole training",
    "data_folder": "folder of that file; dataset_info.json in it describes it to LLaMA-Factory as gauger",
    "format": "how the rows are written",
    "gpus": "number of GPUs",
    "group": "answers to each question, compared with each other; null without rewards",
    "kl_weight": "weight of the penalty for leaving what the student was; null without rewards",
    "launch": "arguments for accelerate launch: processes, devices, precision; FSDP2 where options.fsdp is true",
    "layers": "number of layers of the model",
    "learning_rate": "peak learning rate",
    "longest": "tokens of the longest row, and some to spare for another template",
    "lora": "rank, alpha and layers (the topmost so many; null: all) of the adapter; null: all weights are trained",
    "model": "checkpoint that is trained",
    "out": "where the trained model is to lie",
    "precision": "bfloat16 on GPUs, else float32",
    "processes": "number of processes: one per GPU, else as the stage says",
    "python": "the Python that runs Gauger",
    "resume": "newest whole checkpoint below checkpoints or out (checkpoint-N of the Hugging Face Trainer); null: none",
    "script": "the script that comes along with the trainer",
    "seed": "the training seed of this replicate",
    "steps": "optimiser steps",
    "updates": "steps on each batch of answers before new ones are drawn; null without rewards",
    "warmup_steps": "steps in which the learning rate rises",
    "weights": "names of the model's safetensors files",
    "work": "folder for whatever else the trainer writes",
}
"""What `{…}` of a command, and a template, may name. A template has `options` besides."""
NEEDED = ("model", "data", "out", "seed", "batch", "learning_rate")
NEEDED_TOO: Mapping[Learns, Sequence[str]] = {
    "text": (),
    "preferences": ("beta",),
    "rewards": ("answer_tokens", "group", "kl_weight", "clip", "updates"),
}
"""What command and template together must name: else the study would say something that the trainer never hears."""
IN_COMMAND = frozenset({"python", "script", "config", "launch"})
_OPTION = re.compile(r"\boptions\.(\w+)")
_SHARED = [
    *("--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP"),
    # without it what is saved is a part for each process, and no model
    *("--fsdp_state_dict_type", "FULL_STATE_DICT"),
]
_WORDS = ("lora", "resume", "weights", "layers")
"""Names that are no text: a command cannot hold them."""


class PlainNumber(float):
    """A number that is written without an exponent: 3e-05 is a text to readers of YAML 1.1, 0.00003 a number to all."""

    def __str__(self) -> str:
        return format(Decimal(float.__repr__(self)), "f")


def check_trainer(trainer: ExternalTrainer, lora_layers: int | None = None, *, adapter: bool = False) -> None:
    """Refuse a command or a template that cannot be filled in, or that would leave out what the study decides.

    Parameters
    ----------
    trainer : ExternalTrainer
        As it will be run.
    lora_layers : int, optional
        Of the student's adapter: the topmost so many layers.
    adapter : bool
        Whether the student is trained with an adapter.

    Raises
    ------
    UserError
        Naming what is wrong, or what is missing.
    """
    used = {name for text in (trainer.command, trainer.version, trainer.output) for name in named_in(text)}
    in_template = _named_in_template(trainer.template)
    null_here = {name for learns, names in NEEDED_TOO.items() if learns != trainer.learns for name in names}
    for name in (*used, *(in_template - {"options"})):
        if name not in NAMES or (name in used and name in {*_WORDS, *null_here}):
            raise UserError("something that a command or a template may name", f"{{{name}}}", hint=nearest(name, NAMES))
    formats = ROW_FORMATS[trainer.learns]
    if trainer.format not in formats:
        raise UserError(f"a format for {trainer.learns}", repr(trainer.format), hint=nearest(trainer.format, formats))
    if trainer.template and "config" not in used:
        raise UserError("a command that reads the configuration, {config}", trainer.command)
    wanted = [*NEEDED, *NEEDED_TOO[trainer.learns], *(["lora"] if adapter else [])]
    named = {*named_in(trainer.command), *in_template}
    named |= {"data"} if "data_folder" in named else set()
    if missing := [name for name in wanted if name not in named]:
        hint = (
            "What the study decides must reach the trainer: name it as {…} in the command or {{ … }} in the template."
        )
        if missing == ["lora"]:
            hint = "This template trains all weights: set student.lora to null, or write a template with an adapter."
        raise UserError(f"a command or a template that uses {', '.join(missing)}", trainer.command, hint=hint)
    if lora_layers is not None and "lora.layers" not in trainer.template:
        hint = "Leave student.lora.layers out: this template trains adapters on all layers."
        raise UserError("a template that uses lora.layers", "one that does not", hint=hint)
    for option in _OPTION.findall(trainer.template):
        if option not in trainer.options:
            raise UserError(f"the option {option}, which the template uses", "none", hint="Give it under `options`.")
    for option in trainer.options:
        if option not in _OPTION.findall(trainer.template):
            known = set(_OPTION.findall(trainer.template))
            raise UserError("an option that the template uses", repr(option), hint=nearest(option, known))
    for pattern in (trainer.progress, trainer.failure):
        _check_pattern(pattern)
    if trainer.progress and "loss" not in re.compile(trainer.progress).groupindex:
        raise UserError("a pattern for progress with a group (?P<loss>…)", repr(trainer.progress))


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise UserError("a regular expression", f"{pattern!r}: {error}") from None


def named_in(text: str) -> Iterator[str]:
    """Yield what a command names as `{…}`.

    Raises
    ------
    UserError
        For a brace without its partner, or one with more in it than a name.
    """
    hint = "A brace that is no name is written twice: {{ and }}."
    try:
        parsed = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise UserError("names in braces", f"{text!r} ({error})", hint=hint) from None
    for _, name, spec, conversion in parsed:
        if name is None or spec or conversion or not name.isidentifier():
            raise UserError("a name alone in braces", f"{{{name}}} in {text!r}", hint=hint)
        yield name


def is_named(trainer: ExternalTrainer, name: str) -> bool:
    """Tell whether a trainer's command or template uses one of `NAMES`."""
    return name in {*named_in(trainer.command), *_named_in_template(trainer.template)}


def _named_in_template(text: str) -> set[str]:
    from jinja2 import TemplateSyntaxError, meta

    try:
        return set(meta.find_undeclared_variables(_environment().parse(text)))
    except TemplateSyntaxError as error:
        raise UserError("a Jinja template", f"line {error.lineno}: {error.message}") from None


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # what is made is YAML, JSON or TOML and no web page: escaping for HTML would change paths
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals |= {"refuse": _refuse, CALLED: passes_of_step}
    return environment


def _refuse(wanted: str, given: str) -> None:
    """Refuse, on behalf of a template, what its trainer would do otherwise than asked."""
    raise UserError(wanted, given)


def filled_template(trainer: ExternalTrainer, values: Mapping[str, Any]) -> str:
    """Return the configuration.

    Parameters
    ----------
    trainer : ExternalTrainer
        With its template and options.
    values : mapping
        All of `NAMES`.

    Raises
    ------
    UserError
        Where the template asks for what is not there, or divides by zero: what Jinja says.
    """
    try:
        return str(_environment().from_string(trainer.template).render({**values, "options": dict(trainer.options)}))
    except UserError:
        raise
    except Exception as error:
        raise UserError("a template that can be filled in", f"{type(error).__name__}: {error}") from error


def filled_command(command: str, values: Mapping[str, Any]) -> list[str]:
    """Return program and arguments; `{launch}` becomes several, every other name stays within its argument.

    Parameters
    ----------
    command : str
        As on a command line.
    values : mapping
        Those of `NAMES` that it names.

    Raises
    ------
    UserError
        For a quote without its partner.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UserError("a command line", f"{command!r}: {error}") from None
    filled: list[str] = []
    for word in words:
        filled += list(values["launch"]) if word == "{launch}" else [word.format(**values)]
    return filled


def launch_arguments(gpus: int, processes: int, precision: str, *, shared: bool = False) -> Sequence[str]:
    """Return what `accelerate launch` must be told, so that it asks no configuration of the user's.

    Parameters
    ----------
    gpus : int
        GPUs; 0: CPUs.
    processes : int
        One per GPU, or as many as are wanted on CPUs.
    precision : str
        bfloat16 or float32.
    shared : bool
        Whether several GPUs share weights, gradients and moments (FSDP2) in place of having all of them each. CPUs
        have all: accelerate shares nothing there.
    """
    mixed = "bf16" if precision == "bfloat16" else "no"
    fixed = ["--num_machines", "1", "--mixed_precision", mixed, "--dynamo_backend", "no"]
    # with --cpu it starts one process, whatever number it is told; without, the program itself chooses CPUs
    # (ACCELERATE_USE_CPU, `PartialState(cpu=True)`)
    each = _SHARED if shared and gpus else ["--multi_gpu"]
    several = each if processes > 1 else [] if gpus else ["--cpu"]
    where = [*several, *([] if gpus else ["--num_cpu_threads_per_process", "1"])]
    port = ["--main_process_port", "0"] if processes > 1 else []  # 0: any free one, for several jobs run at once
    return [*fixed, *where, "--num_processes", str(processes), *port]


def version_command(trainer: ExternalTrainer) -> list[str]:
    """Return the command that prints a trainer's version; empty where nobody knows one."""
    return filled_command(trainer.version, {"python": sys.executable, "launch": []}) if trainer.version else []
