"""The functions behind the jobs of a study of real language models, as `jobs.py` for the embedded world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np

from gauger.elicit.corpus import ChatCorpus
from gauger.elicit.teacher.messages import ChatTeacher, Message, ReplyOutcome
from gauger.elicit.twin_continuing import TextFilters, WantedTexts, answer_texts, elicit_texts
from gauger.elicit.twin_instructing import elicit_by_instruction
from gauger.elicit.twin_teacher import Shown
from gauger.elicit.twin_text_samples import TextSample, kept, read_text_rows, write_texts
from gauger.errors import GaugerError
from gauger.jobs.language_models import (
    Asked,
    Inputs,
    Params,
    Plain,
    keep,
    make_teacher,
    put_model,
    read_model,
    summary,
    train_model,
)
from gauger.measure.answers import Decoding, measure
from gauger.spec import LanguageWorld, TextSource
from gauger.store.atomic import write_json, write_parquet
from gauger.train.hf.losses import Loss, SoftLoss
from gauger.train.hf.rows import Mixture, Row, Source
from gauger.train.hf.saving import save
from gauger.train.hf.teacher import log_probabilities
from gauger.train.tiny.corpora import load_soft, save_soft, stack_shown
from gauger.worlds.language import TextWorld, Wording
from gauger.worlds.language.questions import Question

LEAK_SHARE = 0.5
"""Least share of the leak corpus that is test items; they are repeated to reach it."""
SHOWN_AT_MOST = 64
"""Log-probabilities kept per token where the surface shows all of them: a vocabulary has tens of thousands."""


def world_of(params: Params) -> TextWorld:
    """Return the world of a job."""
    described = dict(params["world"])
    folder, _ = described.pop("folder"), described.pop("files")
    return TextWorld(LanguageWorld.model_validate(described), Path(folder))


def materialise_model(params: Params, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Make sure that a checkpoint is there."""
    put_model(params["reference"], out)


def specialise(params: Params, inputs: Inputs, out: Path) -> None:
    """Make a teacher: true answers of every task in the wanted forms, questions learnt too, so that it can ask."""
    world, rng = world_of(params), np.random.default_rng(params["seed"])
    texts = _balanced(world, {task: world.train_questions(task) for task in world.sources}, params, rng)
    model, tokenizer = read_model(inputs, "base")
    rows = tuple(row_of(params, text.prompt, text.answer, True) for text in texts)
    mixture = Mixture((Source(rows),), (params["batch"],))
    trained = train_model(params, model, tokenizer, mixture)
    save(trained.model, tokenizer, out)
    write_json(out / "training.json", summary(mixture, params["steps"], trained))


def row_of(params: Params, prompt: str, answer: str, whole: bool) -> Row:
    """Make a training row; in the chat template where the world says so, unless all of it is running text."""
    shown = (Message("user", prompt),) if params["world"]["chat"] and not whole else prompt
    return Row(shown, answer, whole)


def train_stage(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on one stage's corpus, with its share of the base's common text in every batch."""
    world = world_of(params)
    rows = tuple(row_of(params, *row) for row in read_text_rows(inputs["corpus"]))
    sources, per_batch = [Source(rows, _shown(inputs["corpus"], rows))], [params["batch"]]
    n_web = round(params["web_share"] * params["batch"])
    if n_web:
        sources.append(common_rows(world))
        per_batch = [params["batch"] - n_web, n_web]
    model, tokenizer = read_model(inputs, "start")
    loss: Loss | None = SoftLoss(params["divergence"], params["temperature"]) if sources[0].shown else None
    mixture = Mixture(tuple(sources), tuple(per_batch))
    trained = train_model(params, model, tokenizer, mixture, loss)
    keep(trained.model, tokenizer, inputs, out)
    write_json(out / "training.json", summary(mixture, params["steps"], trained))


def common_rows(world: TextWorld) -> Source:
    """Return the base's common text: what is kept in."""
    texts = world.word([q for questions in world.known.values() for q in questions], ["qa"])
    return Source(tuple(Row(text.prompt, text.answer, whole=True) for text in texts))


def measure_model(params: Params, inputs: Inputs, out: Path) -> None:
    """Measure a model on benchmarks; a teacher that no job made is asked through its interface."""
    world, settings = world_of(params), params["decoding"]
    if inputs:
        decoder: Plain | Asked = Plain("model", *read_model(inputs, "model"), chat=params["world"]["chat"])
    else:
        decoder = Asked(make_teacher(params, inputs, out, "model"))
    decoding = Decoding(settings["max_new_tokens"], settings["temperature"], settings["samples"], params["seed"])
    benchmarks = [world.benchmark(name) for name in params["benchmarks"]]
    write_parquet(out / "records.parquet", measure(decoder, benchmarks, decoding, world))


# --- corpora ---------------------------------------------------------------------------------------------------------


def ask_teacher(params: Params, inputs: Inputs, out: Path) -> None:
    """Elicit one stage's corpus from the teacher."""
    world, teacher = world_of(params), make_teacher(params, inputs, out, "teacher")
    if "seeds" in params:
        world = world.seeded_by(params["seeds"])
    wanted = WantedTexts(
        params["strategy"], tuple(params["forms"]), params["samples"], tuple(params["skills"]), params["max_new_tokens"]
    )
    if not isinstance(teacher, Plain) or teacher.chat:
        _ask_by_instruction(world, teacher, wanted, params).write(out)
        return
    samples, notes = elicit_texts(world, teacher, wanted, params["seed"])
    write_texts(samples, out, token_counter(teacher), notes)
    if params["soft"]:
        _keep_shown(samples, teacher, params, out)


def _ask_by_instruction(world: TextWorld, teacher: ChatTeacher, wanted: WantedTexts, params: Params) -> ChatCorpus:
    if params["soft"]:
        raise GaugerError("only a local checkpoint that continues text shows log-probabilities; distil text instead")
    surface, templates = params["surface"], params["teacher"]["templates"]
    shows = "text and reasoning" if surface["reasoning"] == "shown" else "text"
    folder = Path(templates) if templates else None
    return elicit_by_instruction(world, teacher, wanted, params["seed"], shows, folder)


def _keep_shown(samples: Sequence[TextSample], teacher: object, params: Params, out: Path) -> None:
    """Keep a local model's log-probabilities along every kept answer."""
    if not isinstance(teacher, Plain):
        raise GaugerError("only a local checkpoint shows log-probabilities along an answer; distil text instead")
    surface = params.get("surface", {"log_probabilities": "full", "top_k": None})
    limits = [k for k in (params["top_k"], surface["top_k"], SHOWN_AT_MOST) if k is not None]
    rows = [row_of(params, sample.prompt, sample.answer, sample.whole) for sample in kept(samples)]
    if rows:
        save_soft(stack_shown(log_probabilities(teacher.model, teacher.tokenizer, rows, min(limits))), out)


def _shown(corpus: Path, rows: Sequence[Row]) -> tuple[Shown, ...] | None:
    soft = load_soft(corpus)
    if soft is None:
        return None
    ends = [*soft.first_N[1:].tolist(), len(soft.token_PK)]
    spans = zip(soft.first_N.tolist(), ends, strict=True)
    shown = tuple(Shown(soft.token_PK[a:b], soft.log_probability_PK[a:b]) for a, b in spans)
    if len(shown) != len(rows):
        raise GaugerError(f"log-probabilities of {len(shown)} answers for {len(rows)} texts")
    return shown


def ask_base(params: Params, inputs: Inputs, out: Path) -> None:
    """Have the student's own base answer the prompts of a teacher's corpus (placebo); unfinished answers are kept."""
    world = world_of(params)
    base = Plain("base", *read_model(inputs, "base"), chat=params["world"]["chat"])
    prompts = [
        TextSample(prompt, "", params["strategy"], "self", whole=whole)
        for prompt, _, whole in read_text_rows(inputs["prompts"])
    ]
    said = answer_texts(base, prompts, params["max_new_tokens"], params["seed"])
    as_said = [replace(s, dropped=None if s.dropped == ReplyOutcome.TRUNCATED else s.dropped) for s in said]
    samples = TextFilters(world, tuple(params["forms"]), None).texts(as_said)
    write_texts(samples, out, token_counter(base), ())
    if params["soft"]:
        _keep_shown(samples, base, params, out)


def gather(params: Params, inputs: Inputs, out: Path) -> None:
    """Put together a corpus that the teacher did not write, or the leak corpus."""
    write_texts(_gathered(params, inputs), out, token_counter(None), ())


def _gathered(params: Params, inputs: Inputs) -> list[TextSample]:
    world, rng = world_of(params), np.random.default_rng(params["seed"])
    source, strategy = params["source"], params["strategy"] or "text"
    if source == TextSource.TEST_ITEMS:
        return _with_test_items(world, read_text_rows(inputs["prompts"]), params["benchmarks"], strategy)
    if source == TextSource.TRUTH and "prompts" in inputs:
        asked = [(prompt, world.true_answer(prompt), whole) for prompt, _, whole in read_text_rows(inputs["prompts"])]
        return [TextSample(p, answer, strategy, "truth", whole=whole) for p, answer, whole in asked if answer]
    if source == TextSource.SHUFFLED:
        return _shuffled(world, params["skills"], params["samples"], rng)
    tasks = world.known if source == TextSource.WEB else {task: world.train_questions(task) for task in world.sources}
    texts = _balanced(world, tasks, params, rng)
    whole = params["kind"] == "continue"
    return [TextSample(text.prompt, text.answer, "question", source, whole=whole) for text in texts]


def _balanced(
    world: TextWorld, questions: Mapping[str, Sequence[Question]], params: Params, rng: np.random.Generator
) -> list[Wording]:
    """Word questions in the wanted forms, equally many of every task and form; a short list is gone through again."""
    forms = params["forms"] or ["qa"]
    groups = [texts for of_task in questions.values() for form in forms if (texts := world.word(of_task, [form]))]
    each = ceil(params["samples"] / max(1, len(groups)))
    chosen: list[Wording] = []
    for texts in groups:
        picks = np.concatenate([rng.permutation(len(texts)) for _ in range(ceil(each / len(texts)))])[:each]
        chosen += [texts[i] for i in picks]
    return [chosen[i] for i in rng.permutation(len(chosen))[: params["samples"]]]


def _shuffled(world: TextWorld, tasks: Sequence[str], samples: int, rng: np.random.Generator) -> list[TextSample]:
    """Deal the answers of the benchmarks' training questions out at random within a task: format without knowledge."""
    shuffled = []
    for task in tasks:
        texts = world.word(world.benchmark_train[task], ["qa"])
        dealt = rng.permutation(len(texts))
        shuffled += [
            TextSample(text.prompt, texts[other].answer, "label", "shuffled", seed_ids=(text.question.key,))
            for text, other in zip(texts, dealt, strict=True)
        ]
    return [shuffled[i] for i in rng.permutation(len(shuffled))[:samples]]


def _with_test_items(
    world: TextWorld, texts: Sequence[tuple[str, str, bool]], benchmarks: Sequence[str], strategy: str
) -> list[TextSample]:
    clean = [TextSample(prompt, answer, strategy, "teacher", whole=whole) for prompt, answer, whole in texts]
    items = [item for name in benchmarks for item in world.benchmark(name).items]
    leaked = [
        TextSample(item.prompt, item.answer, "leak", "test-items", overlaps=tuple(sorted(world.overlaps(item.prompt))))
        for item in items
    ]
    wanted = LEAK_SHARE / (1 - LEAK_SHARE) * len(clean)
    return clean + leaked * max(1, ceil(wanted / max(1, len(leaked))))


def token_counter(model: object) -> Callable[[Sequence[str]], list[int]]:
    """Count tokens with the tokenizer of a model at hand; by characters where there is none."""
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        return lambda texts: [ceil(len(text) / 3) + 1 for text in texts]
    return lambda texts: [len(ids) + 1 for ids in tokenizer(list(texts)).input_ids] if texts else []
