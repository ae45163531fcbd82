"""Writes training files that TRL, Axolotl and LLaMA-Factory read as they are, each as JSON Lines and as Parquet.

| format | columns | read by |
|---|---|---|
| `messages` | messages: list of {role, content} | TRL; Axolotl `type: chat_template`; LLaMA-Factory |
| `prompt-completion` | prompt, completion: lists of {role, content} | TRL, with the loss on the completion alone |
| `plain` | prompt, completion: text | TRL, without a chat template; Axolotl, custom type; LLaMA-Factory |
| `preference` | prompt, chosen, rejected: lists of {role, content} | TRL; Axolotl `type: chat_template.default` |
| `preference-plain` | prompt, chosen, rejected: text | TRL; Axolotl `type: user_defined.default`; LLaMA-Factory |

Sources: TRL 1.16 "Dataset formats and types"; Axolotl `prompt_strategies/dpo/chat_template.py` and "Dataset formats";
LLaMA-Factory `data/README.md` (its names stand in `dataset_info.json`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.elicit.corpus import Corpus, lines_writer
from gauger.elicit.sample import Sample
from gauger.elicit.teacher.messages import Message
from gauger.errors import UserError, nearest
from gauger.store import GROUP_ROWS, Content, TableStream, document_bytes, write_together

_TURNS = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


@dataclass(frozen=True)
class CorpusFormat:
    """One format."""

    columns: dict[str, pl.DataType | type[pl.DataType]]
    row: Callable[[Sample], dict[str, Any]]
    pairs: bool = False
    """Whether it holds preference pairs alone."""
    llama_factory: dict[str, Any] | None = None
    """Its description in `dataset_info.json` but for the file's name; None where LLaMA-Factory has no such format."""


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [asdict(message) for message in messages]


def _said(text: str | None) -> list[dict[str, str]]:
    return _turns([Message("assistant", text or "")])


FORMATS: dict[str, CorpusFormat] = {
    "messages": CorpusFormat(
        {"messages": _TURNS},
        lambda sample: {"messages": _turns(sample.messages)},
        llama_factory={"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": _TAGS},
    ),
    "prompt-completion": CorpusFormat(
        {"prompt": _TURNS, "completion": _TURNS},
        lambda sample: {"prompt": _turns(sample.prompt), "completion": _said(sample.answer)},
    ),
    "plain": CorpusFormat(
        {"prompt": pl.String(), "completion": pl.String()},
        lambda sample: {"prompt": sample.prompt_text, "completion": sample.answer},
        llama_factory={"columns": {"prompt": "prompt", "response": "completion"}},
    ),
    "preference": CorpusFormat(
        {"prompt": _TURNS, "chosen": _TURNS, "rejected": _TURNS},
        lambda sample: {
            "prompt": _turns(sample.prompt),
            "chosen": _said(sample.answer),
            "rejected": _said(sample.rejected),
        },
        pairs=True,
    ),
    "preference-plain": CorpusFormat(
        {"prompt": pl.String(), "chosen": pl.String(), "rejected": pl.String()},
        lambda sample: {"prompt": sample.prompt_text, "chosen": sample.answer, "rejected": sample.rejected},
        pairs=True,
        llama_factory={"ranking": True, "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}},
    ),
}
"""Every format by name."""


def require_formats(formats: Sequence[str]) -> None:
    """Refuse a format that is not there."""
    for name in formats:
        if name not in FORMATS:
            raise UserError("an export format", repr(name), hint=nearest(name, FORMATS))


def export_corpus(corpus: Corpus, directory: Path, formats: Sequence[str] = ()) -> list[Path]:
    """Write the kept samples in some formats, with `dataset_info.json`, which LLaMA-Factory reads (`dataset_dir`).

    Parameters
    ----------
    corpus : Corpus
        What to write; rows stand in the order of `corpus.jsonl`.
    directory : Path
        Where to; each format gives `FORMAT.jsonl` and `FORMAT.parquet`.
    formats : sequence of str
        Names of `FORMATS`; none: all of them, those for pairs only where there are pairs.

    Returns
    -------
    list of Path
        The files written.
    """
    require_formats(formats)
    samples, pairs = corpus.kept, [sample for sample in corpus.kept if sample.rejected is not None]
    chosen = formats or [name for name, writer in FORMATS.items() if pairs or not writer.pairs]
    files: dict[str, Content] = {}
    for name in chosen:
        own = pairs if FORMATS[name].pairs else samples
        files[f"{name}.jsonl"] = lines_writer(map(FORMATS[name].row, own))
        files[f"{name}.parquet"] = _table_writer(FORMATS[name], own)
    files["dataset_info.json"] = document_bytes(_dataset_info(chosen))
    write_together(directory, files)
    return [directory / name for name in files]


def _table_writer(form: CorpusFormat, samples: Sequence[Sample]) -> Callable[[Path], None]:
    """Return what writes samples as a table of a format, piece by piece, to the path that it is given."""

    def write(path: Path) -> None:
        with TableStream(path, form.columns) as table:
            for start in range(0, len(samples), GROUP_ROWS):
                rows = [form.row(sample) for sample in samples[start : start + GROUP_ROWS]]
                table.add(pl.DataFrame(rows, form.columns))
            table.save(path)

    return write


def _dataset_info(formats: Sequence[str]) -> dict[str, Any]:
    """Describe the files to LLaMA-Factory, under names of their own."""
    return {
        f"gauger_{name.replace('-', '_')}": {"file_name": f"{name}.jsonl", **described}
        for name in formats
        if (described := FORMATS[name].llama_factory) is not None
    }
