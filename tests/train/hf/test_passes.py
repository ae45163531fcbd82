"""Packed rows are padded rows, in loss and gradient, and see nothing of each other; layers made again keep less."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.train.models import ALL, ROWS, batch_of, hf_model, same_weights, small_llama, tokenizer, weights
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    BloomForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
)
from transformers.masking_utils import find_packed_sequence_indices

from gauger.errors import UserError
from gauger.spec import Computing
from gauger.train.batches import collate
from gauger.train.engine import Adapter, Continuation
from gauger.train.hf.engine import HfModel
from gauger.train.hf.passes import activations_made_again, require_apart
from gauger.train.loop import Options
from gauger.train.losses import NextToken
from gauger.train.preferences import Pair, Preferences, train_on_preferences
from gauger.train.rows import token_rows
from gauger.train.text import train_on_text

ATTENTIONS = pytest.mark.parametrize("attention", ["sdpa", "eager"])


def model_of(attention="sdpa", **computing):
    llama = small_llama(sharp=20.0)
    llama.set_attn_implementation(attention)
    return HfModel(llama, tokenizer(), computing=Computing(**computing))


def windowed(attention="sdpa"):
    """A model whose layers see three tokens back alone."""
    config = MistralConfig(
        vocab_size=len(tokenizer()),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=3,
        attn_implementation=attention,
    )
    torch.manual_seed(0)
    return HfModel(AutoModelForCausalLM.from_config(config).eval(), tokenizer())


def loss_and_gradients(model, batch):
    student = model.trainee(None, 0)
    loss = NextToken()(student.hidden(batch), student.head(), batch)
    loss.backward()
    return loss.detach(), {name: weight.grad.clone() for name, weight in student.weights().items()}


@ATTENTIONS
@pytest.mark.parametrize("make", [model_of, windowed])
def test_packed_rows_have_the_loss_and_gradients_of_padded_ones(make, attention):
    rows = make().encode(ROWS)
    batch = batch_of(rows)
    assert len(set(rows.length_N.tolist())) > 3, "rows of several lengths"
    padded, packed = (loss_and_gradients(make(attention), replace(batch, packed=how)) for how in (False, True))
    # float32 sums in another order: 60 positions, gradients of order 1
    torch.testing.assert_close(packed[0], padded[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(packed[1], padded[1], rtol=1e-3, atol=1e-5)
    # and each row alone, so that the padded batch is no witness for itself
    alone = [loss_and_gradients(make(attention), collate([(rows, np.array([row]))])) for row in range(len(rows))]
    torch.testing.assert_close(packed[0], sum(loss for loss, _ in alone), rtol=1e-5, atol=1e-4)
    summed = {name: sum(own[name] for _, own in alone) for name in packed[1]}
    torch.testing.assert_close(packed[1], summed, rtol=1e-3, atol=1e-5)


@ATTENTIONS
@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_row_in_the_pack_changes_nothing(attention, place):
    """Bit for bit, in states and in the gradient of one row's loss, before it and behind it."""
    texts = [[5, 6, 7, 8, 9, 10, 11], [20, 21, 22, 23, 24], [30, 31, 32, 33, 34, 35]]
    others = [list(text) if row == place else [60 + row + token for token in text] for row, text in enumerate(texts)]
    seen = []
    for pack in (texts, others):
        rows = token_rows([token for text in pack for token in text], [7, 5, 6], [2, 2, 2])
        student = model_of(attention).trainee(Adapter(rank=2), 0)
        batch = replace(batch_of(rows), packed=True)
        own_P = torch.repeat_interleave(torch.from_numpy(batch.learnt_B)) == place
        states_PD = student.hidden(batch)[own_P]
        states_PD.square().sum().backward()
        seen.append([states_PD.detach(), *(weight.grad for weight in student.weights().values())])
    assert all(torch.equal(first, second) for first, second in zip(*seen, strict=True))


def test_a_pack_without_its_positions_would_leak():
    """What the naive way does: rows behind each other as one text."""
    decoder = small_llama(sharp=20.0).get_decoder()
    row, before, other = torch.tensor([[5, 6, 7], [20, 21, 22], [30, 31, 32]])
    naive = [decoder(torch.cat([rows, row])[None]).last_hidden_state[0, 3:] for rows in (before, other)]
    assert (naive[0] - naive[1]).abs().max() > 0.01
    positions = torch.arange(3).repeat(2)[None]
    apart = [
        decoder(torch.cat([rows, row])[None], position_ids=positions, use_cache=False)[0][0, 3:]
        for rows in (before, other)
    ]
    assert torch.equal(*apart)
    assert find_packed_sequence_indices(positions).tolist() == [[0, 0, 0, 1, 1, 1]]


def mamba():
    torch.manual_seed(0)
    shape = MambaConfig(vocab_size=len(tokenizer()), hidden_size=16, num_hidden_layers=2, state_size=4)
    return MambaForCausalLM(shape).eval()


def bloom():
    """It is told no positions, and counts through."""
    torch.manual_seed(0)
    shape = BloomConfig(vocab_size=len(tokenizer()), hidden_size=16, n_layer=2, n_head=2)
    return BloomForCausalLM(shape).eval()


def test_a_model_whose_rows_would_see_each_other_is_refused():
    require_apart(small_llama())
    require_apart(windowed().plain)
    for make in (mamba, bloom):
        with pytest.raises(UserError, match=rf"sees itself alone .*{make.__name__}: another row .*padded"):
            require_apart(make())


def test_a_training_with_packed_rows_looks_first():
    with pytest.raises(UserError, match="pack_rows"):
        train_on_text(HfModel(mamba(), tokenizer()), ALL, hf_model().defaults.schedule(1, 1e-3), Options(packed=True))


@pytest.mark.parametrize("adapter", [None, Adapter(rank=2), Adapter(rank=2, layers=1)])
def test_a_packed_training_is_a_padded_one_up_to_rounding(adapter):
    schedule = hf_model().defaults.schedule(6, 1e-2)
    padded, packed = (
        train_on_text(hf_model(sharp=20.0), ALL, schedule, Options(adapter=adapter, packed=how, micro_tokens=100))
        for how in (False, True)
    )
    assert packed.losses == pytest.approx(padded.losses, rel=1e-4)
    assert packed.losses != padded.losses, "it did go another way"
    assert (packed.n_tokens, packed.n_learnt) == (padded.n_tokens, padded.n_learnt)


def test_pairs_stay_together_in_a_pack():
    pairs = Preferences(tuple(Pair(f"{n}+1=", "a long answer"[: 4 + n], "no") for n in range(4)), 4)
    schedule = hf_model().defaults.schedule(3, 1e-3)
    padded, packed = (
        train_on_preferences(hf_model(sharp=20.0), pairs, schedule, Options(packed=how, micro_tokens=40))
        for how in (False, True)
    )
    assert packed.losses == pytest.approx(padded.losses, rel=1e-4)


def test_a_batch_in_which_nothing_is_read_is_sent_padded():
    rows = token_rows([1, 2], [1, 1], [1, 1])
    assert hf_model().hidden(replace(batch_of(rows), packed=True)).shape == (0, 16)


# --- layers made again --------------------------------------------------------------------------------------------


def kept_bytes(model, batch):
    """Bytes that wait for the way back: what autograd saves, and what enters layers that are made again."""
    student = model.trainee(None, 0)
    sizes, entered = {}, []

    def keep(value):
        sizes[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    layers = student.plain.model.layers
    hooks = [layer.register_forward_pre_hook(lambda _, given: entered.append(given[0])) for layer in layers]
    own = {weight.untyped_storage().data_ptr() for weight in student.plain.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        loss = NextToken()(student.hidden(batch), student.head(), batch)
    for hook in hooks:
        hook.remove()
    for states in entered:
        keep(states)
    assert loss.requires_grad
    return sum(size for place, size in sizes.items() if place not in own)


def test_less_is_kept_where_layers_are_made_again():
    batch = batch_of(model_of().encode(ROWS))
    whole, made_again = (kept_bytes(model_of(checkpoint_activations=how), batch) for how in (False, True))
    assert made_again < whole / 3, "three layers of some seven arrays each, against what enters them"


@pytest.mark.parametrize("adapter", [None, Adapter(rank=2), Adapter(rank=2, layers=1)])
def test_layers_made_again_change_no_bit(adapter):
    schedule, trained = hf_model().defaults.schedule(5, 1e-2), []
    for how in (False, True):
        model = train_on_text(model_of(checkpoint_activations=how), ALL, schedule, Options(adapter=adapter))
        trained.append((model.losses, weights(model.model.merged().plain)))
    assert trained[0][0] == trained[1][0]
    assert same_weights(trained[0][1], trained[1][1])


def test_answers_keep_their_cache_where_layers_are_made_again():
    plain, other = (model_of(checkpoint_activations=how).trainee(None, 0) for how in (False, True))
    batch = batch_of(plain.encode(ROWS))
    other.hidden(batch).sum().backward()
    assert not any("forward" in vars(layer) for layer in other.plain.model.layers)
    assert other.complete(["2+2="], Continuation(12)) == plain.complete(["2+2="], Continuation(12))


def test_a_model_of_which_no_layers_are_known_is_refused():
    with pytest.raises(UserError, match=r"computed again .*Linear"), activations_made_again(torch.nn.Linear(2, 2)):
        pass
