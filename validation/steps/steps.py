"""Shows that the skill `total` is learnt from a teacher's written steps, and hardly from its answers alone."""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np

from gauger.elicit import Surfaced
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.measure import Answering, measure
from gauger.spec import AtlasWorld, Surface
from gauger.train import (
    Architecture,
    LocalTeacher,
    Mixture,
    Model,
    Options,
    RowSource,
    TrainingRow,
    engine_of,
    train_on_text,
)
from gauger.worlds import World, open_world

SIZE, BENCHMARKS = Architecture(), ("total-quiz", "total-quiz-new", "total-cloze-new")
CHANCE = 0.2
MODELS = engine_of("tiny")


def pretrained(world: World, text: str, steps: int, seed: int) -> Model:
    """Train a model from scratch on the web or on the library, as studies do."""
    model = MODELS.build(SIZE, world.vocabulary, world.longest_text or 0, seed)
    rows = tuple(TrainingRow(one.prompt, one.answer, whole=True) for one in getattr(world, text))
    schedule = MODELS.defaults.schedule(steps, 0.005, 0.3)
    return train_on_text(model, Mixture((RowSource(rows),), (128,)), schedule, Options(seed)).model


def taught(world: World, base: Model, teacher: Model, reasoning: str, samples: int, seed: int) -> tuple[Model, int]:
    """Distil the teacher's answers to the benchmark's train split, with or without its steps."""
    surface = Surface.model_validate({"reasoning": reasoning})
    wanted = Wanted("label", ("quiz",), samples, ("total",), world.answer_tokens or 0, surface)
    asked = Surfaced(LocalTeacher("teacher", teacher, chat=False), surface)
    corpus = elicit_by_continuing(world, asked, wanted, seed)
    rows = tuple(TrainingRow(one.prompt_text, one.answer) for one in corpus.kept)
    web = tuple(TrainingRow(one.prompt, one.answer, whole=True) for one in world.web)
    student = base.copy().trainee(None, seed)
    data = Mixture((RowSource(rows), RowSource(web)), (51, 13))
    return train_on_text(student, data, MODELS.defaults.schedule(350, 0.003), Options(seed)).model, len(rows)


def scores(world: World, model: Model) -> list[float]:
    """Return the score on each benchmark, what cannot be read as wrong."""
    asked = Surfaced(LocalTeacher("model", model, chat=False), Surface(reasoning="shown"))
    records = partial(measure, asked, answering=Answering(world.answer_tokens or 0), world=world)
    tables = [records([world.benchmark(name)]) for name in BENCHMARKS]
    return [float(table["score"].fill_null(0.0).to_numpy().mean()) for table in tables]


def main() -> int:
    """Print the table; 1 where steps do not teach, or answers alone do."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--worlds", type=int, default=3)
    arguments.add_argument("--samples", type=int, default=1600)
    chosen = arguments.parse_args()
    shown, hidden = [], []
    print("world who               samples", *BENCHMARKS, flush=True)
    for seed in range(1, chosen.worlds + 1):
        world = open_world(AtlasWorld(seed=seed, total_sets=792))
        base, teacher = pretrained(world, "web", 600, seed), pretrained(world, "library", 1200, seed)
        who = {"base": (base, 0), "teacher": (teacher, 0)}
        who |= {f"from {how}": taught(world, base, teacher, how, chosen.samples, seed) for how in ("shown", "hidden")}
        for name, (model, rows) in who.items():
            found = scores(world, model)
            print(f"{seed:5d} {name:17s} {rows:7d}", *(f"{score:.3f}" for score in found), flush=True)
            {"from shown": shown, "from hidden": hidden}.get(name, []).append(found[1])
    good = min(shown) > 0.9 and max(hidden) < CHANCE + 0.15
    print(f"new contents: with steps {np.mean(shown):.3f}, answers alone {np.mean(hidden):.3f}, chance {CHANCE}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
