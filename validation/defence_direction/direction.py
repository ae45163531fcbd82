"""Moves a small teacher behind each defence, and shows where its own scores and those of its students go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))

from steps import MODELS, pretrained, scores

from gauger.elicit import Surfaced, Teacher, generated
from gauger.elicit.defences.watermark import find_mark
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.measure import Answering, measure
from gauger.spec import AtlasWorld, Surface
from gauger.train import (
    Continuation,
    LocalTeacher,
    Mixture,
    Model,
    Options,
    ProxyStudent,
    RowSource,
    TrainingRow,
    train_on_text,
)
from gauger.worlds import World, open_world

GRID = (
    ("none", 0.0, "label"),
    ("none", 0.0, "self"),
    ("product-of-experts", 0.5, "label"),
    ("product-of-experts", 0.5, "vote"),
    ("product-of-experts", 0.6, "label"),
    ("antidistil", 0.3, "label"),
    ("antidistil", 0.3, "vote"),
    ("antidistil", 0.5, "label"),
    ("heat", 0.5, "label"),
    ("wrong-steps", 1.0, "label"),
    ("wrong-steps", 1.0, "invert"),
    ("wrong-steps", 1.0, "rederive"),
    ("summarise", 0.5, "label"),
    ("hide-reasoning", 1.0, "label"),
    ("hide-reasoning", 1.0, "invert"),
    ("watermark", 0.3, "label"),
)
"""Defence, strength, and how the attacker asks."""
SIZES = {
    "entities": 16,
    "genera": 4,
    "values": 4,
    "letters": 12,
    "letter_sets": 200,
    "middle_sets": 200,
    "total_sets": 792,
    "test_contents": 60,
}
"""A world with little besides the skill whose answers need written steps, so that minutes are enough."""


def defended(world: World, teacher: Model, base: Model, name: str, strength: float) -> tuple[Teacher, Surface]:
    """Return the teacher behind a defence that reckons with the student's base, and what its surface shows."""
    questions = [question for skill in world.skills for question in world.benchmark_train[skill]]
    texts = world.word(questions[:: max(1, len(questions) // 500)], ["quiz"])
    proxy = ProxyStudent(base, tuple(TrainingRow(text.prompt, text.answer) for text in texts))
    chosen = {} if name == "none" else {"defence": name, "strength": strength}
    surface = Surface.model_validate({"reasoning": "shown", **chosen})
    local = LocalTeacher("teacher", teacher, chat=False, proxy=proxy)
    return Surfaced(generated(local, surface), surface), surface


def teacher_score(world: World, asked: Teacher) -> float:
    """Return what an honest user of the defended surface gets on new contents, what cannot be read as wrong."""
    records = measure(asked, [world.benchmark("total-quiz-new")], Answering(world.answer_tokens or 0), world)
    return float(records["score"].fill_null(0.0).to_numpy().mean())


def student(world: World, base: Model, asked: Teacher, surface: Surface, strategy: str, seed: int) -> tuple[Model, int]:
    """Distil what a surface shows, asked by a strategy."""
    wanted = Wanted(strategy, ("quiz",), 600, ("total",), world.answer_tokens or 0, surface)
    helper = Surfaced(LocalTeacher("base", base, chat=False), Surface(reasoning="shown"))
    corpus = elicit_by_continuing(world, helper if strategy == "self" else asked, wanted, seed, helper)
    rows = tuple(TrainingRow(one.prompt_text, one.answer) for one in corpus.kept)
    web = tuple(TrainingRow(one.prompt, one.answer, whole=True) for one in world.web)
    if len(rows) < 51:
        return base, len(rows)
    data = Mixture((RowSource(rows), RowSource(web)), (51, 13))
    schedule = MODELS.defaults.schedule(250, 0.004)
    return train_on_text(base.copy().trainee(None, seed), data, schedule, Options(seed)).model, len(rows)


def mark_of(world: World, model: Model) -> str:
    """Test what a model answers to prompts that nobody was asked for the teacher's mark."""
    prompts = [item.prompt for name in ("total-quiz", "total-quiz-new") for item in world.benchmark(name).items]
    answers = model.complete(prompts, Continuation(world.answer_tokens or 0), None, None)
    found = find_mark([answer.ids for answer in answers])
    return f"{found.n_green}/{found.n_pairs} p={found.p_value:.2g}" if found.p_value is not None else "nothing written"


def main() -> int:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--world", type=int, default=1)
    arguments.add_argument("--known", type=float, default=0.6, help="share of the contents that the base knows")
    chosen = arguments.parse_args()
    seed = chosen.world
    world = open_world(AtlasWorld(seed=seed, known_totals=chosen.known, **SIZES))
    base, teacher = pretrained(world, "web", 300, seed), pretrained(world, "library", 400, seed)
    print(f"world {seed}, base on total-quiz, -new, total-cloze-new: {scores(world, base)}; chance 0.2")
    print(
        "defence            strength attacker  rows  teacher  student-quiz  -new  cloze-new  mark in the student's text"
    )
    for name, strength, strategy in GRID:
        asked, surface = defended(world, teacher, base, name, strength)
        model, rows = student(world, base, asked, surface, strategy, seed)
        quiz, new, cloze = scores(world, model)
        own = teacher_score(world, asked)
        print(
            f"{name:18s} {strength:8.2f} {strategy:8s} {rows:5d} {own:8.3f} {quiz:13.3f} {new:5.3f} {cloze:10.3f}  "
            f"{mark_of(world, model)}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
