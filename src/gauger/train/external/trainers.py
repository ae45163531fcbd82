"""Names the trainers of others that are ready to use, each with its command, its configuration and its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files

from gauger.plugs import Registry
from gauger.spec import Learns

ROW_FORMATS: Mapping[Learns, Mapping[str, str]] = {
    "text": {
        "tokens": "input_ids and labels, -100 where nothing is learnt: every token as our own engine trains it",
        "messages": "messages: list of {role, content}",
        "prompt-completion": "prompt, completion: lists of {role, content}, or text where the world has no template",
        "plain": "prompt, completion: text",
    },
    "preferences": {
        "tokens": "prompt_ids, chosen_ids, rejected_ids: every token as our own engine trains it",
        "messages": "messages: list of {role, content}; chosen, rejected: one {role, content}",
        "prompt-completion": "prompt, chosen, rejected: lists of {role, content}, or text",
        "plain": "prompt, chosen, rejected: text",
    },
    "rewards": {
        "messages": "id; prompt: list of {role, content}",
        "prompt-completion": "id; prompt: list of {role, content}, or text",
        "plain": "id; prompt: text",
    },
}
"""What a trainer learns -> format -> its columns."""
Scalar = str | int | float | bool | None
OUT_OF_MEMORY = r"CUDA out of memory|torch\.(cuda\.)?OutOfMemoryError|HIP out of memory"
_HF_TRAINER = r"'loss': '?(?P<loss>[-+.\deEinfa]+)'?"


@dataclass(frozen=True)
class ExternalTrainer:
    """What a stage by somebody else's trainer is run with. `{…}` of command, version and output: `recipe.NAMES`."""

    command: str
    """Program and arguments, as on a command line; no shell reads it."""
    template: str = ""
    """Text of a Jinja template, of which the configuration is made; empty: the command says all."""
    config: str = "config.yaml"
    """Name of the configuration's file."""
    format: str = "messages"
    """How the corpus is written: one of `ROW_FORMATS`."""
    learns: Learns = "text"
    """What it trains on."""
    output: str = "{out}"
    """Where the trained model lies at the end; `*` stands for anything, and the last name that fits counts."""
    version: str = ""
    """Command that prints the version; empty: nobody knows."""
    progress: str = ""
    """Regular expression for a line of the log, with a group `loss` and, where the line says it, a group `step`."""
    failure: str = OUT_OF_MEMORY
    """Regular expression for a line of the log that says that the training is lost."""
    options: Mapping[str, Scalar] = field(default_factory=dict)
    """Options of the template with their defaults."""
    script: str = ""
    """File of this package that the command runs as `{script}`, or whose classes the configuration names."""
    beside: str = ""
    """File of this package that the script imports: it lies beside it."""


def template_text(name: str) -> str:
    """Return a template or a script that comes along.

    Parameters
    ----------
    name : str
        Its file below `templates`.
    """
    return files("gauger.train.external").joinpath("templates", name).read_text(encoding="utf-8")


def _python_version(*packages: str, python: str = "{python}") -> str:
    printed = ", ".join(f"'{name}', version('{name}')" for name in packages)
    return f'{python} -c "from importlib.metadata import version; print({printed})"'


TRL = ExternalTrainer(
    command="{python} -m accelerate.commands.launch {launch} {script} {config}",
    template=template_text("trl.json.j2"),
    config="config.json",
    format="tokens",
    version=_python_version("trl", "transformers", "accelerate", "torch"),
    progress=r'"step": (?P<step>\d+), "loss": (?P<loss>[-+.\deEinfaNI]+)',
    options={
        "micro_batch": None,
        "gradient_checkpointing": False,
        "attention": None,
        "deepspeed": None,
        "fsdp": False,
        "loss_type": None,
    },
    script="trl_sft.py",
    beside="trl_shared.py",
)
TRL_DPO = replace(TRL, learns="preferences", script="trl_dpo.py")
TRL_GRPO = replace(TRL, learns="rewards", format="prompt-completion", script="trl_grpo.py")
AXOLOTL = ExternalTrainer(
    command="axolotl train {config} --launcher accelerate -- {launch}",
    template=template_text("axolotl.yaml.j2"),
    format="messages",
    version="axolotl --version",
    progress=_HF_TRAINER,
    options={"micro_batch": 1, "gradient_checkpointing": True, "chat_template": "tokenizer_default"},
)
LLAMA_FACTORY = ExternalTrainer(
    # llamafactory-cli starts one process on CPUs, and on GPUs as many as it sees: not as many as the study says
    command="torchrun --standalone --nproc_per_node {processes} -m llamafactory.launcher {config}",
    template=template_text("llama_factory.yaml.j2"),
    format="messages",
    version="llamafactory-cli version",
    progress=_HF_TRAINER,
    failure=rf"{OUT_OF_MEMORY}|Skipping this abnormal example|Dropped invalid example",
    options={"micro_batch": 1, "gradient_checkpointing": True, "chat_template": None, "deepspeed": None},
)
TORCHTUNE = ExternalTrainer(
    command="tune run --nproc_per_node {processes} full_finetune_distributed --config {config}",
    template=template_text("torchtune.yaml.j2"),
    format="tokens",
    output="{out}/epoch_*",
    # `tune` comes from PATH, and may be installed where Gauger is not
    version=_python_version("torchtune", "torch", python="python"),
    progress=r"\|(?P<step>\d+)\|Loss: (?P<loss>[-+.\deEinfa]+)",
    options={"micro_batch": 1, "gradient_checkpointing": True, "model": None, "model_type": None},
    script="torchtune_rows.py",
)
OPEN_INSTRUCT = ExternalTrainer(
    command="{python} -m accelerate.commands.launch {launch} -m open_instruct.finetune {config}",
    template=template_text("open_instruct.yaml.j2"),
    format="messages",
    version=_python_version("open-instruct", "transformers", "torch"),
    progress=r"Step: (?P<step>\d+), LR: [^,]*, Loss: (?P<loss>[-+.\deEinfa]+)",
    options={"micro_batch": 1, "gradient_checkpointing": True, "chat_template": "tulu"},
)
TRAINERS = Registry(
    "a trainer",
    "gauger.trainers",
    {
        "trl": "gauger.train.external.trainers:TRL",
        "trl-dpo": "gauger.train.external.trainers:TRL_DPO",
        "trl-grpo": "gauger.train.external.trainers:TRL_GRPO",
        "axolotl": "gauger.train.external.trainers:AXOLOTL",
        "llama-factory": "gauger.train.external.trainers:LLAMA_FACTORY",
        "torchtune": "gauger.train.external.trainers:TORCHTUNE",
        "open-instruct": "gauger.train.external.trainers:OPEN_INSTRUCT",
    },
)
"""Name -> an `ExternalTrainer`."""
