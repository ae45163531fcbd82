"""What every engine must give, against its bare network; and that the same logits cost the same in each."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gauger.errors import UserError
from gauger.train.batches import by_length
from gauger.train.distil import require_same_vocabulary
from gauger.train.engine import Adapter, Continuation
from gauger.train.head import Head
from gauger.train.likelihood import hidden_states, log_probabilities, mean_loss, token_logs, top_tokens
from gauger.train.losses import NextToken, SoftLoss
from gauger.train.preference_loss import PreferenceLoss
from gauger.train.reward_loss import GrpoLoss
from gauger.train.rows import answered

from .models import (
    BOTH_ENGINES,
    PROMPTS,
    ROWS,
    batch_of,
    hf_model,
    literal_rows,
    small_tokenizer,
    tiny_model,
    words_of,
)


@BOTH_ENGINES
def test_hidden_states_and_head_are_the_networks_own(kit):
    model = kit.model(3, sharp=True)
    rows = model.encode(ROWS)
    logits = model.head().logits(model.hidden(batch_of(rows)))
    slow = [kit.logits_of(model, rows.tokens_of(i))[rows.start_N[i] - 1 : -1] for i in range(len(rows))]
    torch.testing.assert_close(logits, torch.cat(slow), rtol=1e-4, atol=1e-4)


@BOTH_ENGINES
def test_token_log_probabilities_are_those_of_one_row_at_a_time_in_the_rows_order(kit):
    model = kit.model(3, sharp=True)
    rows = model.encode([*ROWS, ROWS[0]])
    literal = [log for row in literal_rows(kit, model, rows) for log in row]
    assert token_logs(model, rows).tolist() == pytest.approx(literal, abs=1e-4)
    assert mean_loss(model, [*ROWS, ROWS[0]]) == pytest.approx(-np.mean(literal), abs=1e-4)
    assert mean_loss(model, []) is None


@BOTH_ENGINES
def test_small_batches_change_nothing_but_rounding(kit, monkeypatch):
    model = kit.model(3, sharp=True)
    rows = model.encode(ROWS)
    whole = hidden_states(model, rows)
    small = list(by_length(rows.length_N, 8))
    monkeypatch.setattr("gauger.train.likelihood.by_length", lambda *_: small)
    torch.testing.assert_close(hidden_states(model, rows), whole, rtol=1e-4, atol=1e-5)
    assert len(small) > 3


@BOTH_ENGINES
@pytest.mark.parametrize("top_k", [3, None, 10_000])
def test_log_probabilities_are_the_models_along_what_is_learnt(kit, top_k):
    model = kit.model(3, sharp=True)
    encoded, shown = model.encode(ROWS), model.log_probabilities(ROWS, top_k)
    most = len(model.vocabulary)
    for i, each in enumerate(shown):
        text, start = encoded.tokens_of(i), int(encoded.start_N[i])
        log = kit.logits_of(model, text)[start - 1 : -1].log_softmax(-1).detach()
        assert each.token_TK.shape == (len(text) - start, min(top_k or most, most))
        gathered = log.gather(1, torch.from_numpy(each.token_TK)).numpy()
        np.testing.assert_allclose(each.log_probability_TK, gathered, atol=1e-4)
        assert each.log_probability_TK.dtype == np.float32
        assert (np.diff(each.log_probability_TK, axis=1) <= 0).all()
        if top_k != 3:
            assert np.exp(each.log_probability_TK).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert log_probabilities(model, [], 3) == []


@BOTH_ENGINES
def test_a_hidden_state_holds_the_full_distribution(kit):
    model = kit.model(3, sharp=True)
    tokens, values = top_tokens(model, hidden_states(model, model.encode(ROWS)), None)
    shown = model.log_probabilities(ROWS, None)
    assert np.array_equal(tokens, np.concatenate([each.token_TK for each in shown]))
    np.testing.assert_allclose(values, np.concatenate([each.log_probability_TK for each in shown]), atol=1e-6)


@BOTH_ENGINES
def test_an_answer_depends_on_its_prompt_seed_and_stops_alone(kit):
    model, hot = kit.model(3), Continuation(6, 1.0)
    prompts, seeds = [*PROMPTS, PROMPTS[0]] * 3, list(range(12))
    stops = [(), ("is",), ("4", "is"), ("e",)] * 3
    together = model.complete(prompts, hot, seeds, stops)
    alone = [model.complete([p], hot, [s], [st])[0] for p, s, st in zip(prompts, seeds, stops, strict=True)]
    assert together == alone
    assert model.complete(prompts, Continuation(6, 1.0, batch=2), seeds, stops) == together
    assert len({answer.ids for answer in together}) > 6
    same = model.complete([PROMPTS[0]] * 2, hot, [5, 5])
    assert same[0] == same[1]
    assert model.complete([], hot) == []


@BOTH_ENGINES
def test_prompt_and_answer_together_are_the_text_and_tokens_are_counted(kit):
    model = kit.model(3)
    for prompt, answer in zip(PROMPTS, model.complete(PROMPTS, Continuation(5, 1.0), [1, 2, 3]), strict=True):
        assert answer.tokens_in == len(model.encode_prompt(prompt))
        assert answer.tokens_out == len(answer.ids) <= 5
        assert answer.ended or answer.tokens_out == 5
    assert model.count(["the sun", ""]) == [len(model.encode_prompt("the sun")) - (kit.name == "tiny"), 0]
    assert "".join(model.token_texts([model.vocabulary["c"]])) == "c"


@BOTH_ENGINES
def test_a_full_context_leaves_no_answer(kit):
    model = kit.model()
    (answer,) = model.complete([" ".join(["c"] * 99)], Continuation(5))
    assert (answer.text, answer.ended, answer.stop, answer.ids) == ("", False, None, ())


@BOTH_ENGINES
def test_samples_follow_the_models_distribution(kit):
    """Shares of 2000 draws: five standard errors of each token with a chance above 1 %."""
    model, n = kit.model(3, sharp=True), 2000
    logits = kit.logits_of(model, model.encode_prompt("2+2="))[-1].detach()
    for temperature in (0.7, 1.7):
        drawn = model.complete(["2+2="] * n, Continuation(1, temperature), list(range(n)))
        counts = np.bincount([answer.ids[0] for answer in drawn], minlength=len(logits))
        chances = (logits / temperature).softmax(-1).numpy()
        likely = chances > 0.01
        assert likely.any()
        error = np.sqrt(chances * (1 - chances) / n)
        assert (np.abs(counts / n - chances) < 5 * error)[likely].all()
        assert not (np.abs(counts / n - logits.softmax(-1).numpy()) < 5 * error)[likely].all()


@BOTH_ENGINES
def test_a_copy_is_frozen_and_stays_when_the_model_moves(kit):
    model = kit.model()
    copy, before = model.copy(), model.digest()
    assert copy.digest() == before
    assert not copy.weights()
    with torch.no_grad():
        next(iter(model.trainee(None, 0).weights().values())).add_(1.0)
    assert model.digest() != before == copy.digest()
    assert model.n_parameters == sum(weight.numel() for weight in model.weights().values())


@BOTH_ENGINES
def test_a_saved_model_comes_back(kit, tmp_path):
    from gauger.train.registry import engine_of

    model = kit.model(3, sharp=True)
    model.save(tmp_path)
    again = engine_of(kit.name).load(tmp_path)
    assert again.digest() == model.digest()
    assert again.vocabulary == model.vocabulary
    assert again.complete(PROMPTS, Continuation(4)) == model.complete(PROMPTS, Continuation(4))
    assert not [path for path in tmp_path.iterdir() if path.suffix not in (".safetensors", ".json", ".jinja")]


def test_another_vocabulary_is_refused_and_text_named_as_the_way():
    require_same_vocabulary(tiny_model(1), tiny_model(2))
    require_same_vocabulary(hf_model(1), hf_model(2))
    other = hf_model()
    other.tokenizer = small_tokenizer(first=("new",))
    for a, b in ((hf_model(), other), (tiny_model(), tiny_model(words=words_of(ROWS)[::-1])), (tiny_model(), other)):
        with pytest.raises(UserError, match="distil its text instead"):
            require_same_vocabulary(a, b)


def test_an_engine_without_adapters_refuses_one_and_one_that_cannot_build_says_so():
    from gauger.train.engine import Architecture
    from gauger.train.registry import engine_of

    with pytest.raises(UserError, match="no adapter"):
        tiny_model().trainee(Adapter(), 0)
    with pytest.raises(UserError, match="from scratch"):
        engine_of("hf").build(Architecture(), ["a"], 9, 0)


SAME = answered([(1, 5), (1, 7, 8), (1, 4), (1,)], [(6, 4, 2), (9, 2), (3, 2), (8, 2)])
LOSSES = [
    NextToken(),
    SoftLoss("forward-kl"),
    SoftLoss("reverse-kl", 2.0),
    SoftLoss("reverse-kl", top_k=4),
    PreferenceLoss(0.3),
    GrpoLoss(0.2, 0.1),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_same_logits_cost_the_same_in_both_engines(loss, monkeypatch):
    """One hidden state after each text, whatever the network; both engines' heads are made the same matrix."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(13, 16, generator=generator)
    table = torch.randn(13, 16, generator=generator)
    n = int(SAME.n_learnt.sum())
    log, advantage = torch.randn(3, n, generator=generator)[:2] - 2, torch.randn(n, generator=generator)
    rows = SAME.with_targets(reference_log=log[0], drawn_log=log[1], advantage=advantage)
    if isinstance(loss, SoftLoss):
        rows = SAME.with_targets(teacher_hidden=torch.randn(n, 16, generator=generator))
        loss = SoftLoss(loss.divergence, loss.temperature, Head(torch.randn(13, 16, generator=generator)), loss.top_k)
    batch = batch_of(rows)
    states = F.embedding(batch.tokens_BT[:, :-1], table)  # what the network says is replaced, all else is its own
    tiny, llama = tiny_model(words=[str(i) for i in range(10)]), hf_model()
    monkeypatch.setattr(tiny.decoder, "hidden", lambda _: states)
    monkeypatch.setattr(llama.plain, "get_decoder", lambda: lambda **_: SimpleNamespace(last_hidden_state=states))
    tiny.decoder.token.weight.data = llama.plain.lm_head.weight.data = weight
    found = [float(loss(model.hidden(batch), model.head(), batch).detach()) for model in (tiny, llama)]
    assert found[0] == found[1] != 0
