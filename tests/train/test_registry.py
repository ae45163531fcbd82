"""Engines by name: those of Gauger, those of other packages, and what is refused."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from gauger import plugs
from gauger.errors import GaugerError, UserError
from gauger.plugs import Registry
from gauger.train import registry
from gauger.train.registry import ENGINES, engine_of
from gauger.train.tiny import ENGINE


@pytest.fixture(autouse=True)
def _fresh():
    engine_of.cache_clear()
    yield
    engine_of.cache_clear()


def installed(monkeypatch, *entries):
    """Let other packages offer engines."""
    points = [EntryPoint(name, value, ENGINES.group) for name, value in entries]
    monkeypatch.setattr(plugs, "entry_points", lambda group: [p for p in points if p.group == group])
    monkeypatch.setattr(registry, "ENGINES", Registry(ENGINES.what, ENGINES.group, ENGINES.own))


def test_an_unknown_name_answers_with_the_nearest():
    with pytest.raises(UserError, match=r"engine.*'tyny'.*Did you mean 'tiny'.*hf, tiny"):
        engine_of("tyny")


def test_another_package_adds_an_engine(monkeypatch):
    installed(monkeypatch, ("other", "gauger.train.tiny:ENGINE"))
    assert set(registry.ENGINES) == {"tiny", "hf", "other"}
    assert engine_of("other") is engine_of("tiny") is ENGINE


def test_a_name_that_is_taken_is_refused(monkeypatch):
    installed(monkeypatch, ("tiny", "elsewhere:ENGINE"))
    with pytest.raises(
        GaugerError, match=r"'tiny' is offered twice: by gauger\.train\.tiny:ENGINE and by elsewhere:ENGINE"
    ):
        engine_of("tiny")


def test_the_tiny_engine_and_the_stages_need_no_transformers():
    code = (
        "import sys; from gauger.train.registry import engine_of; engine_of('tiny');"
        "import gauger.train.text, gauger.train.blend, gauger.train.distil, gauger.train.preferences;"
        "import gauger.train.rewards, gauger.train.teacher;"
        "assert not {'transformers', 'accelerate', 'peft'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
