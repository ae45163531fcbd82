"""The decoder: causal, decided by its seed, and no more than its shape says."""

import pytest
import torch

from gauger.train.tiny.model import DecoderConfig

VOCABULARY, CONTEXT = 13, 9
CONFIG = DecoderConfig(VOCABULARY, CONTEXT, width=16, layers=2, heads=2)


def small_model(seed=0, sharp=1.0):
    """Build an untrained decoder; `sharp` scales its embeddings, so that its logits differ clearly."""
    model = CONFIG.build(seed)
    with torch.no_grad():
        model.token.weight.mul_(sharp)
    return model.eval()


def tokens(rows=3, length=CONTEXT, seed=0):
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("place", range(CONTEXT))
def test_a_later_token_changes_nothing_before_it_and_something_from_it_on(place):
    model, text = small_model(sharp=5), tokens()
    changed = text.clone()
    changed[:, place] = (changed[:, place] + 1) % VOCABULARY
    before, after = model(text), model(changed)
    assert torch.equal(before[:, :place], after[:, :place])
    assert (before[:, place:] - after[:, place:]).abs().amax(dim=-1).min() > 1e-6


def test_rows_do_not_see_each_other():
    model, text = small_model(sharp=5), tokens()
    alone = torch.cat([model(text[i : i + 1]) for i in range(3)])
    assert torch.allclose(model(text), alone, atol=1e-5)


def test_a_prefix_has_the_logits_it_has_inside_a_longer_text():
    model, text = small_model(sharp=5), tokens()
    assert torch.allclose(model(text[:, :4]), model(text)[:, :4], atol=1e-5)


def test_positions_matter():
    model = small_model(sharp=5)
    logits = model(torch.full((1, CONTEXT), 4))
    assert (logits[0, 1:] - logits[0, :-1]).abs().amax(dim=-1).min() > 1e-4


def test_the_seed_decides_the_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, same, other = (CONFIG.build(seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.qkv if hasattr(first, "qkv") else first.token.weight, other.token.weight)


def test_parameters_are_counted_from_the_shape():
    width, layers, expansion = 16, 2, 4
    per_block = 3 * width * width + width * width + 2 * expansion * width * width + 2 * width
    assert (
        sum(weight.numel() for weight in CONFIG.build(0).parameters())
        == VOCABULARY * width + CONTEXT * width + layers * per_block + width
    )


def test_logits_start_near_uniform():
    """Weights of scale 0.1 in the tied embedding: logits of norm |h| x 0.1, with |h| = sqrt(width) = 4."""
    logits = CONFIG.build(0)(tokens())
    assert logits.std().item() == pytest.approx(0.4, rel=0.5)


@pytest.mark.parametrize("layers", [1, 3])
def test_any_number_of_layers_and_heads(layers):
    config = DecoderConfig(VOCABULARY, CONTEXT, width=12, layers=layers, heads=3, expansion=2)
    assert config.build(0)(tokens()).shape == (3, CONTEXT, VOCABULARY)
    assert DecoderConfig(**config.to_dict()) == config
