"""What models do to their logits behind the head, against transformers' own logits and their gradients."""

import pytest
import torch
from tests.train.models import hf_model, tokenizer
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    AyaVisionConfig,
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma4Config,
    GraniteConfig,
    GraniteForCausalLM,
)

from gauger.errors import UserError
from gauger.train.external.material import context_of_checkpoint
from gauger.train.head import chunked_losses
from gauger.train.hf.bending import bending
from gauger.train.hf.engine import HfModel

SIZE = {
    "vocab_size": len(tokenizer()),
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
MODELS = {
    "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**SIZE, head_dim=4, final_logit_softcapping=0.3)),
    "granite": lambda: GraniteForCausalLM(GraniteConfig(**SIZE, logits_scaling=0.05)),
    "cohere": lambda: CohereForCausalLM(CohereConfig(**SIZE, logit_scale=12.0)),
}
PARTS = {
    "vocab_size_per_layer_input": len(tokenizer()),
    "head_dim": 4,
    "global_head_dim": 4,
    "hidden_size_per_layer_input": 4,
    "num_kv_shared_layers": 0,
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 16,
    "final_logit_softcapping": 0.3,
}
"""Of a text part of Gemma 4; the settings of the model around it have no soft cap and no context."""


def of_text_and_pictures():
    text = {**SIZE, **PARTS}
    return AutoModelForCausalLM.from_config(Gemma4Config(text_config=text, vision_config=None, audio_config=None))


MODELS["gemma4"] = of_text_and_pictures
IDS = torch.tensor([[5, 9, 30, 7, 44, 12, 80, 9, 3]])


def build(name):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return HfModel(MODELS[name]().eval(), tokenizer())


def hidden(model):
    return model.plain.get_decoder()(input_ids=IDS, use_cache=False).last_hidden_state[0]


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_the_models_own_and_the_product_alone_is_not(name):
    model = build(name)
    with torch.no_grad():
        own, head, states = model.plain(IDS).logits[0], model.head(), hidden(model)
        torch.testing.assert_close(head.logits(states), own)
        assert (head.product(states) - own).abs().max() > 0.05


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("trained", [True, False], ids=["trained head", "frozen head"])
def test_gradients_in_chunks_are_those_of_the_models_own_logits(name, trained):
    model, labels = build(name), IDS[0, 1:]
    model.plain.get_output_embeddings().weight.requires_grad_(trained)
    model.plain.get_decoder().layers[0].mlp.down_proj.weight.requires_grad_(True)
    weights = [weight for weight in model.plain.parameters() if weight.requires_grad]

    def losses_of(logits, part):
        return F.cross_entropy(logits, labels[part], reduction="none")

    ours = chunked_losses(hidden(model)[:-1], model.head(), losses_of, size=3, at_once=0).sum()
    own = F.cross_entropy(model.plain(IDS).logits[0, :-1], labels, reduction="sum")
    torch.testing.assert_close(ours, own)
    for a, b in zip(torch.autograd.grad(ours, weights), torch.autograd.grad(own, weights), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_a_model_that_bends_its_logits_in_a_way_of_its_own_is_refused():
    model = hf_model()
    model.plain.config.logits_scaling = 8.0
    with pytest.raises(UserError, match="llama with logits_scaling"):
        model.head()


def test_the_context_is_that_of_the_text_part(tmp_path):
    model = build("gemma4")
    assert model.context == 64
    model.plain.config.save_pretrained(tmp_path)
    assert context_of_checkpoint(tmp_path) == 64


def test_what_the_model_around_a_text_part_does_with_its_settings_must_be_known():
    config = AyaVisionConfig(text_config={"model_type": "cohere", "logit_scale": 12.0})
    with pytest.raises(UserError, match=r"aya_vision around cohere with logit_scale 12\.0"):
        bending(config)
    assert bending(AyaVisionConfig(text_config={"model_type": "cohere", "logit_scale": 1.0})) == (1.0, None)
