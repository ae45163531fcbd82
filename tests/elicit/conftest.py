import pytest

from gauger.train.tiny.corpora import rows_of
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.model import DecoderConfig
from gauger.train.tiny.rows import Mixture
from gauger.train.tiny.teacher import TinyTeacher
from gauger.worlds.atlas.world import CONTEXT
from worlds.small import small_world


@pytest.fixture(scope="session")
def atlas():
    return small_world()


@pytest.fixture(scope="session")
def trained(atlas):
    """A tiny decoder that has read the library: it writes in every form, and infers some held-out content."""
    rows = rows_of(atlas.language, [(text.prompt, text.answer, True) for text in atlas.library])
    model = DecoderConfig(len(atlas.language), CONTEXT, width=32, layers=1, heads=4).build(1)
    train(model, Mixture((rows,), (64,)), Schedule(150, 0.01), 1)
    return TinyTeacher("trained", model.eval(), atlas.language)
