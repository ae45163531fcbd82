"""Makes corpora: what a teacher or a base was asked for, what nobody was asked for, and mixtures of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import polars as pl

from gauger.elicit import (
    Corpus,
    Count,
    Sample,
    Text,
    Wanted,
    answer_prompts,
    elicit_by_continuing,
    elicit_by_instruction,
    known_questions,
    learnt_whole,
    matched_rows,
    questions,
    read_texts,
    running_text,
    shown_logs,
    shuffled_answers,
    true_answers,
    true_questions,
    unrelated_answers,
    web_texts,
    with_test_items,
    with_untested_items,
)
from gauger.errors import GaugerError
from gauger.jobs.models import checkpoint_of, row_of
from gauger.jobs.parameters import AskBase, Asked, AskTeacher, BlendCorpora, Gather, GatherQuestions, Inputs, job
from gauger.jobs.teachers import CountsTokens, TeacherPlace, open_asked, shown_top_k, unserved
from gauger.spec import TextSource
from gauger.store import parquet_pieces, read_json, write_json, write_parquet, write_pieces
from gauger.train import CheckpointTokens, Model, characters_before, save_soft, stack_shown
from gauger.worlds import World, reopen_world

_CHECKPOINTS = "hf"
"""The engine whose tokens stand in the files of a checkpoint."""
MARKS = 2
"""Begin and end mark around a text."""
SHOWN_AT_MOST = 256
"""Log-probabilities kept per token where the surface shows all of them: a vocabulary may have tens of thousands."""


@job(AskTeacher)
def ask_teacher(params: AskTeacher, inputs: Inputs, out: Path) -> None:
    """Elicit one stage's corpus from the teacher."""
    world = reopen_world(params.world).seeded_by(params.seeds)
    where = TeacherPlace(world, inputs, "teacher", out, params.model_dump(mode="json"))
    opened = open_asked(unserved(params.asked) if params.soft else params.asked, where)
    wanted = Wanted(
        params.strategy,
        params.forms,
        params.samples,
        params.skills,
        params.answer_tokens,
        params.asked.surface,
        Path(params.asked.templates) if params.asked.templates else None,
        params.filters,
    )
    ask = elicit_by_instruction if params.asked.instructed else elicit_by_continuing
    student = None
    if params.student is not None:
        student = open_asked(unserved(params.student), TeacherPlace(world, inputs, "student", out, {})).teacher
    corpus = ask(world, opened.teacher, wanted, params.seed, student)
    corpus.write(out, counter(opened.counts))
    if params.soft:
        _keep_shown(world, corpus, opened.at_hand, params.asked, params.top_k, out)


@job(AskBase)
def ask_base(params: AskBase, inputs: Inputs, out: Path) -> None:
    """Have the student's own base answer the prompts of a teacher's corpus (placebo)."""
    world = reopen_world(params.world)
    identity = params.model_dump(mode="json")
    asked = unserved(params.asked) if params.soft else params.asked
    opened = open_asked(asked, TeacherPlace(world, inputs, "base", out, identity))
    prompts = read_texts(inputs["prompts"])
    wanted = Wanted(params.strategy, params.forms, len(prompts), (), params.answer_tokens, params.asked.surface)
    wanted = replace(wanted, filters=params.filters)
    corpus = answer_prompts(world, opened.teacher, prompts, wanted, params.seed)
    corpus.write(out, counter(opened.counts))
    if params.soft:
        _keep_shown(world, corpus, opened.at_hand, params.asked, params.top_k, out)


def _keep_shown(world: World, corpus: Corpus, model: Model, asked: Asked, top_k: int | None, out: Path) -> None:
    """Keep a model's log-probabilities along every kept answer, as far as its surface shows them."""
    most = shown_top_k(asked.surface, top_k, SHOWN_AT_MOST)
    rows = [row_of(world, Text(sample.prompt_text, sample.answer, sample.whole)) for sample in corpus.kept]
    if rows:
        soft = stack_shown(model.log_probabilities(rows, most))
        log_PK = shown_logs(soft.log_probability_PK, asked.surface)
        encoded = model.encode(rows)
        before_P = characters_before(model, encoded)
        save_soft(replace(soft, log_probability_PK=log_PK, before_P=before_P, thought_N=encoded.n_thought), out)


def counter(model: CountsTokens | None) -> Count:
    """Return what counts the tokens of samples: with the model at hand, else by their characters."""

    def by_model(samples: Sequence[Sample]) -> list[int]:
        if model is None:
            return [ceil(len(sample.joined) / 3) + 1 for sample in samples]
        return [count + MARKS for count in model.count([sample.joined for sample in samples])]

    return by_model


@job(Gather)
def gather(params: Gather, inputs: Inputs, out: Path) -> None:
    """Put together a corpus that the teacher did not write, or the leak corpus."""
    world = reopen_world(params.world)
    count = _counting(world, params, inputs, out)
    _gathered(world, params, inputs, count).write(out, count)


def _counting(world: World, params: Gather, inputs: Inputs, out: Path) -> Count:
    """Return what counts tokens: words where the world has a vocabulary, else as the base does that is at hand."""
    if world.vocabulary:
        return _count_words
    if params.asked is None:
        return counter(None)
    if params.asked.engine == _CHECKPOINTS:  # no weights are loaded to count, least of all onto a server's GPU
        return counter(CheckpointTokens(checkpoint_of(inputs["base"])))
    return counter(open_asked(unserved(params.asked), TeacherPlace(world, inputs, "base", out, {})).model)


def _count_words(samples: Sequence[Sample]) -> list[int]:
    return [len(sample.joined.split()) + MARKS for sample in samples]


def _gathered(world: World, params: Gather, inputs: Inputs, count: Count) -> Corpus:
    rng, strategy = np.random.default_rng(params.seed), params.strategy or "text"
    if params.source == TextSource.TEST_ITEMS:
        return with_test_items(world, read_texts(inputs["prompts"]), params.benchmarks, strategy)
    if params.source == TextSource.UNTESTED_ITEMS:
        return with_untested_items(world, read_texts(inputs["prompts"]), params.benchmarks, strategy, rng)
    if params.source == TextSource.TRUTH and "prompts" in inputs:
        return true_answers(world, read_texts(inputs["prompts"]), strategy)
    if params.source == TextSource.SHUFFLED:
        return shuffled_answers(world, params.skills, params.samples, rng)
    if params.source == TextSource.UNRELATED:
        return unrelated_answers(world, params.skills, params.samples, rng)
    if "paired" in inputs and (rows := read_texts(inputs["paired"])):
        corpus = matched_rows(world, rows, web_texts(world, params.forms, rng), count, rng)
        return learnt_whole(corpus) if params.whole else corpus
    if params.whole and not params.forms:
        texts = world.web if params.source == TextSource.WEB else world.library
        return running_text(texts, params.samples, params.source, rng)
    choose = known_questions if params.source == TextSource.WEB else true_questions
    corpus = choose(world, params.forms, params.samples, rng)
    return learnt_whole(corpus) if params.whole else corpus


@job(GatherQuestions)
def gather_questions(params: GatherQuestions, inputs: Inputs, out: Path) -> None:  # noqa: ARG001
    """Put together the prompts of a stage, with their true answers where they are used; nobody is asked."""
    world = reopen_world(params.world)
    wanted = [(params.seeds, skill) for skill in params.skills]
    samples = questions(world, wanted, params.forms, answered=params.answered)
    if not samples:
        asked, forms = ", ".join(params.skills), ", ".join(params.forms)
        raise GaugerError(f"no question on {asked} from seeds {params.seeds} can be put as {forms}")
    order = np.random.default_rng(params.seed).permutation(len(samples))[: params.samples]
    corpus = Corpus(tuple(samples[place] for place in order))
    corpus.write(out)
    write_parquet(out / "ledger.parquet", Corpus(()).ledger())  # what counts is what the student will write


@job(BlendCorpora)
def blend_corpora(params: BlendCorpora, inputs: Inputs, out: Path) -> None:
    """Put the corpora of a mixture side by side: every text with its part and who wrote it; one ledger for all."""
    parts = [inputs[f"part{part}"] for part in range(params.parts)]
    write_pieces(out / "ledger.parquet", (piece for part in parts for piece in parquet_pieces(part / "ledger.parquet")))
    write_pieces(out / "corpus.parquet", (texts for number, part in enumerate(parts) for texts in _part(part, number)))
    write_json(out / "notes.json", [note for part in parts for note in read_json(part / "notes.json")])


def _part(directory: Path, number: int) -> Iterator[pl.DataFrame]:
    """Yield the texts of one part of a mixture, with who wrote each of them and the part's number."""
    rows = parquet_pieces(directory / "ledger.parquet", ("source", "dropped"))
    writers = pl.concat([piece.filter(pl.col("dropped").is_null())["source"].cast(pl.Categorical) for piece in rows])
    first = 0
    for texts in parquet_pieces(directory / "corpus.parquet"):
        own = writers.slice(first, len(texts)).cast(pl.String)
        yield texts.with_columns(own, part=pl.lit(number, pl.Int64))
        first += len(texts)
