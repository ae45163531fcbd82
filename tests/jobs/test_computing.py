"""What a study says of `computing` reaches the engine in every job that trains or asks."""

import json
from types import SimpleNamespace

import pytest
from tests.jobs.running import Doing
from tests.jobs.test_language import STUDY, small_model, small_tokenizer

from gauger.jobs import evaluating
from gauger.jobs.parameters import Asked
from gauger.spec import Computing
from gauger.store import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.train.hf import passes
from gauger.train.hf.engine import HfEngine, HfModel

TEACHER = (
    "{kind: checkpoint, model: model, specialise: {forms: [qa], samples: 8, steps: 2, batch: 4}, "
    "computing: {precision: bfloat16}}"
)


@pytest.fixture
def doing(tmp_path):
    def make(name, **computing):
        place = tmp_path / name
        place.mkdir()
        small_model(sharp=20.0).save_pretrained(str(place / "model"))
        small_tokenizer().save_pretrained(str(place / "model"))
        for half, first in (("train", 1), ("test", 50)):
            lines = [{"id": f"{half}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
            (place / f"{half}.jsonl").write_text("\n".join(map(json.dumps, lines)))
        parts = {"kind": "text-distill", "strategy": "label", "seeds": "benchmark-train"}
        (place / "study.yaml").write_text(STUDY.format(teacher=TEACHER, **parts))
        chosen = (f"student.computing={json.dumps(computing)}",) if computing else ()
        return Doing(*plan_loaded(open_study(place / "study.yaml", ("replicates=1", *chosen))), place)

    return make


@pytest.fixture
def seen(monkeypatch):
    """How models were loaded, and how rows were sent."""
    loads, sent = [], []
    load, states = HfEngine.load, passes.learnt_states

    def loading(self, directory, base=None, computing=None):
        loads.append(computing)
        return load(self, directory, base, computing)

    def sending(decoder, batch, entering, *, packed):
        sent.append((packed, len(batch.length_B), any("forward" in vars(layer) for layer in decoder.layers)))
        return states(decoder, batch, entering, packed=packed)

    monkeypatch.setattr(HfEngine, "load", loading)
    monkeypatch.setattr("gauger.train.hf.engine.learnt_states", sending)
    return loads, sent


def losses_of(doing):
    return read_json(doing.of(doing.job("leak").key) / "training.json")["last_loss"]


def test_trainings_compute_as_the_study_says(doing, seen):
    loads, sent = seen
    running = doing("plain")
    running.of(running.job("teacher", what="records").key)
    assert loads == [Computing(precision="bfloat16")] * 2, "the teacher's own, trained and asked"
    plain = losses_of(running)
    assert loads[-1] is None
    assert {(packed, again) for packed, _, again in sent} == {(False, False)}
    assert sent[-1][1] == 4, "a step at once"
    chosen = {"pack_rows": True, "checkpoint_activations": True, "attention": "eager", "tokens_together": 60}
    packed = losses_of(doing("packed", **chosen))
    assert loads[-1] == Computing(**chosen)
    assert [(packed, again) for packed, _, again in sent[-2:]] == [(True, True)] * 2
    assert sent[-1][1] < 4, "a step in pieces"
    assert packed == pytest.approx(plain, rel=1e-3)


def test_measuring_asks_in_the_precision_that_the_study_says(doing, seen, monkeypatch):
    loads, _ = seen
    dtypes = []
    complete = HfModel.complete
    monkeypatch.setattr(
        HfModel, "complete", lambda self, *given: dtypes.append(self.plain.dtype) or complete(self, *given)
    )
    running = doing("rounded", precision="bfloat16", pack_rows=True)
    running.of(running.job("base", what="records").key)
    assert loads == [Computing(precision="bfloat16")], "packing is no matter of asking"
    assert {str(dtype) for dtype in dtypes} == {"torch.bfloat16"}


@pytest.mark.parametrize("computing", [None, Computing(precision="bfloat16"), Computing(attention="eager")])
def test_an_evaluator_is_told_what_the_study_says(monkeypatch, tmp_path, computing):
    monkeypatch.setattr(evaluating, "whole_checkpoint", lambda asked, where: tmp_path)
    asked = Asked(name="base", kind="checkpoint", engine="hf", computing=computing)
    params, where = SimpleNamespace(asked=asked, seed=3), SimpleNamespace(world=SimpleNamespace(chat=True))
    target, server = evaluating._target(params, where)
    chosen = computing or Computing()
    assert (target.precision, target.attention, server) == (chosen.precision, chosen.attention, None)
