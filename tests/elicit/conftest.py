import pytest

from gauger.train.engine import Architecture
from gauger.train.loop import Options
from gauger.train.registry import engine_of
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.teacher import LocalTeacher
from gauger.train.text import train_on_text
from worlds.small import small_world


@pytest.fixture(scope="session")
def atlas():
    return small_world()


@pytest.fixture(scope="session")
def trained(atlas):
    """A tiny decoder that has read the library: it writes in every form, and infers some held-out content."""
    tiny = engine_of("tiny")
    model = tiny.build(Architecture(width=32, layers=1, heads=4), atlas.vocabulary, atlas.longest_text, 1)
    rows = tuple(TrainingRow(text.prompt, text.answer, whole=True) for text in atlas.library)
    schedule = tiny.defaults.schedule(150, 0.01)
    done = train_on_text(model, Mixture((RowSource(rows),), (64,)), schedule, Options(1))
    return LocalTeacher("trained", done.model, chat=False)
