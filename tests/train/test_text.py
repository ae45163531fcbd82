"""The stage of text and the loop: same bytes, micro-batches change nothing, a killed training goes on, soft targets."""

from dataclasses import replace
from itertools import count, pairwise
from math import cos, log, pi

import numpy as np
import pytest
import torch

from gauger.errors import GaugerError, InputError
from gauger.train.engine import Adapter, Continuation
from gauger.train.hf.engine import HfModel
from gauger.train.loop import Options
from gauger.train.losses import NextToken, SoftLoss
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.schedule import TrainingSchedule
from gauger.train.soft_targets import SoftTargets, stack_shown
from gauger.train.state import STATE, Checkpoints
from gauger.train.text import encoded, train_on_text

from .models import (
    ALL,
    BOTH_ENGINES,
    HF_KIT,
    ROWS,
    TEMPLATE,
    chat,
    literal_rows,
    small_llama,
    small_tokenizer,
    tiny_model,
)

WITH_ADAPTERS = pytest.mark.parametrize(
    ("kit", "adapter"),
    [*[(kit, None) for kit in BOTH_ENGINES.args[1]], (HF_KIT, Adapter(rank=2)), (HF_KIT, Adapter(rank=2, layers=1))],
    ids=["tiny", "hf", "adapter", "top adapter"],
)


def trained(kit, options=None, schedule=None, mixture=ALL, seed=0):
    return train_on_text(kit.model(seed), mixture, schedule or kit.schedule(6), options or Options())


def digest(result):
    return result.model.merged().digest()


@BOTH_ENGINES
def test_the_first_loss_is_the_mean_over_what_is_learnt(kit):
    model = kit.model(1, sharp=True)
    rows = model.encode(ROWS)
    literal = [value for row in literal_rows(kit, model, rows) for value in row]
    everything = Mixture((RowSource(ROWS),), (len(ROWS),))
    found = train_on_text(model, everything, kit.schedule(1))
    assert found.losses[0] == pytest.approx(-np.mean(literal), rel=1e-5)
    assert found.n_tokens == rows.length_N.sum()
    assert found.n_learnt == len(literal) == rows.n_learnt.sum()


@BOTH_ENGINES
def test_the_loss_falls_and_uses_are_counted(kit):
    result = trained(kit, schedule=kit.schedule(30))
    assert np.mean(result.losses[-5:]) < 0.8 * np.mean(result.losses[:5])
    (used,) = result.sources
    assert used.count_N.sum() == 30 * 4
    assert used.count_N.max() - used.count_N.min() <= 1
    assert used.length_N @ used.count_N == result.n_tokens
    assert used.length_N.tolist() == kit.model().encode(ROWS).length_N.tolist()


@WITH_ADAPTERS
def test_same_seed_same_bytes_and_another_seed_others(kit, adapter):
    first, again, other = (trained(kit, Options(seed, adapter=adapter)) for seed in (1, 1, 2))
    assert first.losses == again.losses != other.losses
    assert digest(first) == digest(again) != digest(other)


@BOTH_ENGINES
def test_every_setting_of_the_schedule_matters(kit):
    plain = TrainingSchedule(6, 1e-2)
    others = [{"learning_rate": 2e-2}, {"steps": 7}, {"weight_decay": 0.5}, {"warmup": 0.5}, {"clip": 1e-3}]
    digests = {digest(trained(kit, schedule=replace(plain, **other))) for other in ({}, *others)}
    assert len(digests) == 1 + len(others)


@BOTH_ENGINES
def test_micro_batches_change_nothing_but_rounding(kit):
    large, small = (trained(kit, Options(micro_tokens=size)) for size in (4096, 1))
    assert large.losses == pytest.approx(small.losses, rel=1e-4)
    assert (large.n_tokens, large.n_learnt) == (small.n_tokens, small.n_learnt)


class KilledError(Exception):
    pass


def dies_at(call, monkeypatch):
    """Stand for a process that dies in the middle of a step."""
    calls, alive = count(), NextToken.__call__

    def dying(self, *args):
        if next(calls) >= call:
            raise KilledError
        return alive(self, *args)

    monkeypatch.setattr(NextToken, "__call__", dying)


@WITH_ADAPTERS
def test_a_killed_training_goes_on_bit_for_bit(tmp_path, kit, adapter, monkeypatch):
    whole = trained(kit, Options(adapter=adapter))
    options = Options(adapter=adapter, checkpoints=Checkpoints(tmp_path, every=2))
    with monkeypatch.context() as patch:
        dies_at(5, patch)
        with pytest.raises(KilledError):
            trained(kit, options)
    assert [path.name for path in tmp_path.iterdir()] == [STATE]
    with monkeypatch.context() as patch:
        dies_at(2, patch)  # steps 5 and 6 are left: two calls, no more
        resumed = trained(kit, options)
    assert resumed.losses == whole.losses
    assert (resumed.n_tokens, resumed.n_learnt) == (whole.n_tokens, whole.n_learnt)
    assert digest(resumed) == digest(whole)


@BOTH_ENGINES
@pytest.mark.parametrize(
    "other",
    [
        {"options": Options(seed=5)},
        {"options": Options(loss=SoftLoss())},
        {"schedule": {"learning_rate": 1e-3}},
        {"schedule": {"clip": 0.3}},
        {"mixture": Mixture((RowSource(ROWS[:4]),), (4,))},
        {"mixture": Mixture((RowSource(ROWS),), (3,))},
        {"seed": 1},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, kit, other):
    checkpoints = Checkpoints(tmp_path, every=2)
    trained(kit, Options(checkpoints=checkpoints))
    options = replace(other.get("options", Options()), checkpoints=checkpoints)
    rest = {name: value for name, value in other.items() if name in ("mixture", "seed")}
    with pytest.raises(InputError, match="another"):
        trained(kit, options, replace(kit.schedule(6), **other.get("schedule", {})), **rest)


def test_only_the_adapter_changes_and_a_checkpoint_knows_it(tmp_path):
    options = Options(adapter=Adapter(rank=2, layers=1), checkpoints=Checkpoints(tmp_path, every=2))
    result = trained(HF_KIT, options)
    assert all(".layers.2." in name for name in result.model.weights())
    assert result.model.digest() == HF_KIT.model().digest() != digest(result)
    with pytest.raises(InputError, match="another"):
        trained(HF_KIT, replace(options, adapter=Adapter(rank=2)))


def test_training_goes_on_from_an_adapter_by_merging_it():
    first = trained(HF_KIT, Options(adapter=Adapter(rank=2)))
    second = train_on_text(first.model, ALL, HF_KIT.schedule(6), Options(adapter=Adapter(rank=2)))
    assert second.losses[0] < first.losses[0]
    assert not any("lora" in name for name, _ in second.model.merged().plain.named_parameters())


@BOTH_ENGINES
def test_rows_that_teach_nothing_are_an_error_and_leave_the_weights(kit):
    model = kit.model()
    before = model.digest()
    full = Mixture((RowSource((TrainingRow(" ".join(["c"] * 200), "4"),)),), (1,))
    with pytest.raises(GaugerError, match="leave nothing to learn of any of the 1 rows"):
        train_on_text(model, full, kit.schedule(2))
    assert model.digest() == before


@BOTH_ENGINES
def test_an_empty_corpus_is_an_error(kit):
    with pytest.raises(GaugerError, match="nothing to train on"):
        trained(kit, mixture=Mixture((RowSource(()),), (1,)))


# --- soft targets ----------------------------------------------------------------------------------------------------


def soft_source(kit, rows, top_k, seed=1):
    return RowSource(rows, stack_shown(kit.model(seed, sharp=True).log_probabilities(rows, top_k)))


@BOTH_ENGINES
@pytest.mark.parametrize("divergence", ["forward-kl", "reverse-kl"])
@pytest.mark.parametrize("top_k", [None, 3])
def test_learning_from_oneself_has_nothing_to_learn(kit, divergence, top_k):
    """From asking to training, every soft target stands at its own position: the model's loss on itself is 0."""
    mixture = Mixture((soft_source(kit, ROWS, top_k),), (4,))
    options = Options(loss=SoftLoss(divergence))
    result = train_on_text(kit.model(1, sharp=True), mixture, kit.schedule(3, 1e-12), options)
    assert result.losses == pytest.approx([0.0] * 3, abs=1e-5)


@BOTH_ENGINES
def test_shown_log_probabilities_are_learnt_instead_of_the_text(kit):
    rows = ROWS[:2]
    mixture = Mixture((soft_source(kit, rows, 5),), (2,))
    result = train_on_text(kit.model(2), mixture, kit.schedule(80, 2e-2))
    assert result.losses[-1] < 0.3 * result.losses[0]
    text = train_on_text(kit.model(2), Mixture((RowSource(rows),), (2,)), kit.schedule(1))
    assert text.losses[0] != pytest.approx(result.losses[0], rel=1e-3)


@BOTH_ENGINES
def test_soft_and_hard_sources_stand_in_one_step(kit):
    soft, hard = soft_source(kit, ROWS[:3], 4), RowSource(ROWS[3:])
    both, first, second = (
        train_on_text(kit.model(2), Mixture(tuple(sources), (3,) * len(sources)), kit.schedule(1))
        for sources in ((soft, hard), (soft,), (hard,))
    )
    n = [one.n_learnt for one in (first, second)]
    assert both.losses[0] == pytest.approx((first.losses[0] * n[0] + second.losses[0] * n[1]) / sum(n), rel=1e-5)
    split = train_on_text(kit.model(2), Mixture((soft, hard), (3, 3)), kit.schedule(1), Options(micro_tokens=1))
    assert split.losses == pytest.approx(both.losses, rel=1e-5)


def test_soft_targets_of_a_longer_context_are_cut_with_their_rows():
    long, short = tiny_model(1, 5.0), tiny_model(1, 5.0, context=5)
    short.decoder.load_state_dict(long.decoder.state_dict() | {"position.weight": long.decoder.position.weight[:5]})
    source = RowSource(ROWS, stack_shown(long.log_probabilities(ROWS, None)))
    result = train_on_text(short, Mixture((source,), (6,)), short.defaults.schedule(1, 1e-12))
    assert result.losses == pytest.approx([0.0], abs=1e-5)


@BOTH_ENGINES
def test_soft_targets_of_other_texts_are_refused(kit):
    source = soft_source(kit, ROWS, 3)
    with pytest.raises(GaugerError, match="of 6 answers for 5 texts"):
        train_on_text(kit.model(), Mixture((replace(source, rows=ROWS[:5]),), (2,)), kit.schedule(1))
    short = SoftTargets(*(getattr(source.soft, name)[:n] for name, n in (("first_N", 6), ("token_PK", -1))), None)
    with pytest.raises(GaugerError, match=r"at . of the . tokens of text 5"):
        train_on_text(kit.model(), Mixture((replace(source, soft=short),), (2,)), kit.schedule(1))


THINKS = TEMPLATE.replace("<s>assistant\n", "<s>assistant\n<think>\n")
CHATS = [TrainingRow(chat("2+2?"), "four"), TrainingRow(chat("2+2?"), "<think>\nR\n</think>\n\nfour")]


def templated(seed, sharp, template):
    own = small_tokenizer()
    own.chat_template = template
    return HfModel(small_llama(seed, sharp), own)


@pytest.mark.parametrize("templates", [(THINKS, TEMPLATE), (TEMPLATE, THINKS), (THINKS, THINKS)])
@pytest.mark.parametrize("row", CHATS)
@pytest.mark.parametrize("top_k", [5, None])
def test_soft_targets_lie_along_the_text_whichever_template_opens_a_thought(templates, row, top_k):
    teacher, student = (templated(seed, 20.0, template) for seed, template in enumerate(templates))
    theirs, own = teacher.encode([row]), student.encode([row])
    soft = replace(stack_shown(teacher.log_probabilities([row], top_k)), thought_N=theirs.n_thought)
    laid = encoded(student, RowSource((row,), soft)).targets
    n = min(own.n_learnt[0], theirs.n_learnt[0])
    assert own.tokens_of(0)[-n:] == theirs.tokens_of(0)[-n:], "the same text in both"
    assert laid["shown"][-n:].tolist() == soft.token_PK[-n:].tolist()
    assert laid["shown_log"][-n:].tolist() == soft.log_probability_PK[-n:].tolist()
    alone = own.n_learnt[0] - n  # marks that the student's template wants, and about which the teacher says nothing
    learnt = own.tokens_of(0)[int(own.start_N[0]) :]
    assert laid["shown"][:alone, 0].tolist() == list(learnt[:alone])
    assert laid["shown_log"][:alone, 0].tolist() == [0.0] * alone
    assert bool((laid["shown_log"][:alone].exp().sum(-1) < 1 + 1e-6).all())
    assert all(len(set(shown)) == len(shown) for shown in laid["shown"].tolist())
    with pytest.raises(GaugerError, match="log-probabilities at"):
        encoded(student, RowSource((row,), replace(soft, thought_N=theirs.n_thought + 99)))


def test_soft_targets_of_more_tokens_than_the_text_has_are_refused():
    teacher, student = templated(0, 20.0, THINKS), templated(1, 1.0, TEMPLATE)
    soft = stack_shown(teacher.log_probabilities(CHATS[:1], 5))
    with pytest.raises(GaugerError, match="log-probabilities at 16 of the 5 tokens of text 0"):
        encoded(student, RowSource(tuple(CHATS[:1]), soft))


@BOTH_ENGINES
def test_a_checkpoint_of_other_soft_targets_is_refused(tmp_path, kit):
    """The same texts, shown by another teacher: nothing but the targets differs."""
    options = Options(checkpoints=Checkpoints(tmp_path, every=1))
    for seed in (1, 1, 3):
        mixture = Mixture((soft_source(kit, ROWS, 3, seed),), (2,))
        if seed == 3:
            with pytest.raises(InputError, match="another"):
                train_on_text(kit.model(), mixture, kit.schedule(2), options)
        else:
            train_on_text(kit.model(), mixture, kit.schedule(2), options)


# --- schedule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 10, 100, 1200])
def test_the_learning_rate_rises_then_falls_along_a_half_cosine(steps):
    schedule = TrainingSchedule(steps, 0.01)
    rates = [schedule.rate(step) for step in range(steps)]
    rising = max(1, round(0.05 * steps))
    for step, rate in enumerate(rates):
        cosine = 0.01 * (1 + cos(pi * step / steps)) / 2
        assert rate == pytest.approx(min(cosine, 0.01 * (step + 1) / rising))
    assert all(0 < rate <= 0.01 for rate in rates)
    assert all(early < late for early, late in pairwise(rates[:rising]))
    assert all(early > late for early, late in pairwise(rates[rising:]))
    assert max(rates) > 0.99 * 0.01 or steps < 100


def test_engines_keep_their_own_habits():
    tiny, hf = (kit.schedule(9) for kit in BOTH_ENGINES.args[1])
    assert (tiny.weight_decay, tiny.clip, hf.weight_decay, hf.clip) == (0.1, None, 0.0, 1.0)
    assert tiny_model().defaults.schedule(9, 0.1, 0.3).weight_decay == 0.3


def test_a_small_model_learns_addition_modulo_7():
    """30 of the 49 sums are learnt, each in one form: they are all answered; an untrained model answers 1 in 7."""
    sums = [(a, b) for a in range(7) for b in range(7)]
    rows = tuple(
        TrainingRow(f"{a} + {b} =", f" {(a + b) % 7}") for a, b in np.random.default_rng(0).permutation(sums)[:30]
    )
    model = tiny_model(words=[*map(str, range(7)), "+", "="])
    result = train_on_text(model, Mixture((RowSource(rows),), (30,)), model.defaults.schedule(300, 1e-2))
    assert result.losses[0] == pytest.approx(log(12), abs=0.5)
    assert result.losses[-1] < 0.05
    said = result.model.complete([row.prompt for row in rows], Continuation(3))
    assert [answer.text for answer in said] == [row.completion for row in rows]
    assert torch.isfinite(torch.tensor(result.losses)).all()
