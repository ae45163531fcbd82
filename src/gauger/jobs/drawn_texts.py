"""Has a model write answers to benchmark items, and keeps them as the tokens that the teacher counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from gauger.elicit import Message, Reply, Request
from gauger.jobs.models import read_model
from gauger.jobs.parameters import DrawTexts, Inputs, job
from gauger.jobs.teachers import TeacherPlace, open_asked
from gauger.measure import sample_seed
from gauger.store import write_parquet
from gauger.train import Model, TrainingRow
from gauger.worlds import World, reopen_world

TEMPERATURE = 1.0
"""Drawn from the model's own distribution: the most likely answers alone would repeat few pairs of tokens."""


@job(DrawTexts)
def draw_texts(params: DrawTexts, inputs: Inputs, out: Path) -> None:
    """Draw a model's answers to items, which are held out: nothing that anybody was trained on answered them."""
    world = reopen_world(params.world)
    opened = open_asked(params.asked, TeacherPlace(world, inputs, "model", out, params.model_dump(mode="json")))
    requests = list(_requests(params, world))
    replies = dict(opened.teacher.ask(requests))
    texts = [text for place in range(len(requests)) if place in replies for text in _written(replies[place])]
    tokens = tokens_of(read_model(inputs, "teacher", params.engine), texts)
    write_parquet(out / "drawn.parquet", pl.DataFrame({"tokens": tokens}, {"tokens": pl.List(pl.Int64)}))


def _requests(params: DrawTexts, world: World) -> Iterator[Request]:
    """Yield as many requests as are wanted: items evenly along all benchmarks, again and again where they are fewer."""
    items = [(name, item) for name in params.benchmarks for item in world.benchmark(name).items]
    for number in range(params.samples):
        sample, place = divmod(number, len(items))
        name, item = items[place if params.samples >= len(items) else number * len(items) // params.samples]
        seed = sample_seed(params.seed, f"{name}\0{item.id}", sample)
        turns = (Message("user", item.prompt),)
        yield Request(turns, params.max_new_tokens, TEMPERATURE, seed, world.forms[item.form].stops)


def _written(reply: Reply) -> list[str]:
    """Return what somebody wrote: steps that came apart from their answer are text as well."""
    return [text for text in (reply.reasoning, reply.text) if text]


def tokens_of(model: Model, texts: Sequence[str]) -> list[list[int]]:
    """Return each text as a model's tokens, without begin and end marks; what is longer than its context is cut.

    Parameters
    ----------
    model : Model
        Whose tokenizer it is.
    texts : sequence of str
        What was written, prompts apart.
    """
    before = len(model.encode_prompt(""))
    rows = model.encode([TrainingRow("", text) for text in texts])
    return [list(rows.tokens_of(number)[before:-1]) for number in range(len(rows))]
