"""How a model of transformers computes is a choice: each changes what it says it does, and nothing else."""

import json

import pytest
import torch
from tests.train.models import ALL, ROWS, batch_of, hf_model, small_llama, tokenizer

from gauger.errors import InputError, UserError
from gauger.spec import Computing
from gauger.train.engine import Adapter, Continuation
from gauger.train.hf import ENGINE
from gauger.train.hf.engine import HfModel
from gauger.train.hf.saving import save
from gauger.train.loop import Options
from gauger.train.text import train_on_text
from gauger.train.tiny import ENGINE as TINY


@pytest.fixture
def base(tmp_path):
    save(small_llama(sharp=20.0), tokenizer(), tmp_path / "base")
    return tmp_path / "base"


def loaded(base, **computing):
    return ENGINE.load(base, computing=Computing(**computing))


def trained(model, adapter=None):
    return train_on_text(model, ALL, model.defaults.schedule(4, 1e-3), Options(adapter=adapter))


def dtypes(model):
    return {weight.dtype for weight in model.model.parameters()}


def test_nothing_chosen_is_what_the_engine_does(base):
    plain, chosen = ENGINE.load(base), loaded(base)
    assert plain.digest() == chosen.digest()
    assert plain.plain.config._attn_implementation == chosen.plain.config._attn_implementation == "sdpa"
    assert trained(plain).losses == trained(chosen).losses


def test_precision_decides_weights_and_products_and_what_is_trained_stays_float32(base):
    models = {name: loaded(base, precision=name) for name in ("float32", "bfloat16")}
    assert {name: dtypes(model) for name, model in models.items()} == {
        "float32": {torch.float32},
        "bfloat16": {torch.bfloat16},
    }
    students = {name: model.trainee(Adapter(rank=2), 0) for name, model in models.items()}
    for name, student in students.items():
        assert {weight.dtype for weight in student.weights().values()} == {torch.float32}
        with student.processes().autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
            states = student.hidden(batch_of(student.encode(ROWS)))
        assert str(product.dtype) == f"torch.{name}" == str(states.dtype)


@pytest.mark.parametrize("adapter", [None, Adapter(rank=2)])
def test_a_training_in_bfloat16_is_one_in_float32_up_to_its_rounding(base, adapter):
    exact, rounded = (trained(loaded(base, precision=name), adapter).losses for name in ("float32", "bfloat16"))
    assert rounded == pytest.approx(exact, rel=0.02)  # 8 bits of mantissa
    assert rounded != exact


def test_answers_are_given_in_the_precision_that_was_chosen(base):
    for name in ("float32", "bfloat16"):
        model, seen = loaded(base, precision=name), []
        layer = model.plain.get_decoder().layers[-1]
        layer.register_forward_hook(lambda *given, seen=seen: seen.append(given[-1].dtype))
        assert model.complete(["2+2="], Continuation(3))[0].tokens_out
        assert {str(dtype) for dtype in seen} == {f"torch.{name}"}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_is_the_one_that_was_chosen_and_gives_the_same(base, attention):
    model = loaded(base, attention=attention)
    assert model.plain.config._attn_implementation == attention
    plain = ENGINE.load(base)
    assert model.digest() == plain.digest()
    batch = batch_of(plain.encode(ROWS))
    torch.testing.assert_close(model.hidden(batch), plain.hidden(batch), rtol=1e-4, atol=1e-5)
    assert model.complete(["2+2=", "the sun"], Continuation(4)) == plain.complete(["2+2=", "the sun"], Continuation(4))


def test_an_attention_that_writes_the_matrix_down_keeps_it(base):
    """So the two are two: `eager` keeps B H T T numbers a layer for the way back."""
    kept = {}
    for attention in ("sdpa", "eager"):
        model, shapes = loaded(base, attention=attention).trainee(None, 0), []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, to=shapes: to.append(x.shape) or x, lambda x: x):
            model.hidden(batch_of(model.encode(ROWS)))
        kept[attention] = sum(len(shape) == 4 and shape[-1] == shape[-2] for shape in shapes)
    assert kept["sdpa"] == 0
    assert kept["eager"] >= 3, "one a layer at least"


def test_flash_attention_gets_bfloat16_also_from_weights_of_float32():
    """It takes nothing else; the kernel itself needs a GPU, so it is another attention that runs here."""
    model = HfModel(small_llama(), tokenizer(), computing=Computing(attention="flash_attention_2"))
    seen = []
    model.plain.get_decoder().layers[0].self_attn.q_proj.register_forward_hook(
        lambda *given: seen.append(given[-1].dtype)
    )
    model.complete(["2+2="], Continuation(2))
    model.trainee(None, 0).hidden(batch_of(model.encode(ROWS)))
    assert set(seen) == {torch.bfloat16}
    assert dtypes(model) == {torch.float32}


def test_a_copy_a_student_and_what_is_merged_compute_alike(base):
    model = loaded(base, precision="bfloat16")
    for other in (model.copy(), model.trainee(Adapter(rank=2), 0), model.merged()):
        assert other.computing == model.computing


def test_an_adapter_trained_in_one_precision_goes_to_its_base_in_another(base, tmp_path):
    """And to no other base: the digest is of the weights, however they were loaded."""
    student = trained(loaded(base, precision="bfloat16"), Adapter(rank=2)).model
    student.save(tmp_path / "adapter", base)
    assert set(json.loads((tmp_path / "adapter" / "gauger.json").read_text())) == {
        "base",
        "base_digest",
        "base_digest_bfloat16",
    }
    for computing in (None, Computing(precision="float32"), Computing(precision="bfloat16")):
        ENGINE.load(tmp_path / "adapter", base, computing)
    save(small_llama(seed=1), tokenizer(), tmp_path / "other")
    for computing in (None, Computing(precision="bfloat16")):
        with pytest.raises(InputError, match="made for other weights"):
            ENGINE.load(tmp_path / "adapter", tmp_path / "other", computing)


def test_beside_an_adapter_of_a_plain_training_stands_what_always_stood(base, tmp_path):
    trained(ENGINE.load(base), Adapter(rank=2)).model.save(tmp_path / "adapter", base)
    assert set(json.loads((tmp_path / "adapter" / "gauger.json").read_text())) == {"base", "base_digest"}


def test_an_engine_without_such_a_choice_refuses_it(tmp_path):
    with pytest.raises(UserError, match="such as hf, got tiny"):
        TINY.load(tmp_path, computing=Computing(pack_rows=True))


def test_packing_and_layers_made_again_go_together(base):
    plain = trained(ENGINE.load(base)).losses
    both = loaded(base, checkpoint_activations=True, pack_rows=True)
    packed = train_on_text(both, ALL, both.defaults.schedule(4, 1e-3), Options(packed=True)).losses
    assert packed == pytest.approx(plain, rel=1e-4)
    assert hf_model().computing == Computing()
