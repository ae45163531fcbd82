"""Adapters: where they sit, that a fresh one changes nothing, and that merging keeps what the model says."""

import pytest
import torch
from tests.train.models import same_weights, small_llama, small_model_that_sees, weights

from gauger.errors import UserError
from gauger.train.engine import Adapter
from gauger.train.hf.lora import attach, lowest_layer, merge, targets

TOKENS = torch.tensor([[5, 6, 7, 8]])


def test_all_attention_or_named_matrices_get_an_adapter():
    model = small_llama()
    assert len(targets(model, Adapter())) == 3 * 7
    assert {name.split(".")[-1] for name in targets(model, Adapter(modules="attention"))} == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    }
    assert {name.split(".")[-1] for name in targets(model, Adapter(modules=("up_proj",)))} == {"up_proj"}


def test_only_the_top_layers_get_one_where_wanted():
    assert {name.split(".")[2] for name in targets(small_llama(), Adapter(layers=2))} == {"1", "2"}


@pytest.mark.parametrize("adapter", [Adapter(modules=("nothing",)), Adapter(layers=4), Adapter(layers=0)])
def test_modules_or_layers_that_the_model_lacks_are_the_users_mistake(adapter):
    with pytest.raises(UserError, match=r"3 layers with .*q_proj"):
        targets(small_llama(), adapter)


def test_the_head_gets_none():
    assert not [name for name in targets(small_llama(tied=False), Adapter()) if "lm_head" in name]


def test_what_looks_at_images_gets_none():
    """Adversary: the five layers that look at images were counted, and had the topmost adapters."""
    model = small_model_that_sees()
    assert {name.split(".layers.")[0] for name in targets(model, Adapter())} == {"model.language_model"}
    assert len(targets(model, Adapter())) == 3 * 7
    assert lowest_layer(model, Adapter(layers=1)) == 2


def test_a_fresh_adapter_changes_nothing_and_leaves_the_weights_when_merged():
    model = small_llama()
    before, said = weights(model), model(TOKENS).logits
    adapted = attach(model, Adapter(rank=2), seed=0)
    assert torch.equal(adapted(TOKENS).logits, said)
    assert same_weights(weights(merge(adapted)), before)


def test_the_seed_decides_the_adapter_and_the_global_generator_is_left_alone():
    torch.manual_seed(7)
    state = torch.get_rng_state()
    drawn = [
        {
            name: weight
            for name, weight in weights(attach(small_llama(), Adapter(rank=2), seed)).items()
            if "lora_A" in name
        }
        for seed in (1, 1, 2)
    ]
    assert torch.equal(torch.get_rng_state(), state)
    assert same_weights(drawn[0], drawn[1])
    assert not same_weights(drawn[0], drawn[2])


def test_merging_keeps_what_the_model_says():
    adapted = attach(small_llama(), Adapter(rank=2, alpha=4), seed=0)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_()
    said = adapted(TOKENS).logits
    merged = merge(adapted)
    assert not any("adapter" in name for name, _ in merged.named_parameters())
    assert all(weight.requires_grad for weight in merged.parameters())
    # three layers of float32 products with weights of order 1
    torch.testing.assert_close(merged(TOKENS).logits, said, rtol=1e-3, atol=1e-4)
    assert merge(merged) is merged


def test_an_adapter_can_be_attached_again_after_merging():
    merged = merge(attach(small_llama(), Adapter(rank=2), seed=0))
    assert sum(weight.requires_grad for weight in attach(merged, Adapter(rank=2), seed=0).parameters()) == 2 * 21


def test_the_lowest_layer_is_the_first_with_an_adapter():
    assert [lowest_layer(small_llama(), Adapter(layers=layers)) for layers in (None, 3, 2, 1)] == [0, 0, 1, 2]
