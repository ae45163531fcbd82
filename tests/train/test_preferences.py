"""Preferences: the reference is the model as it came, log 2 at the start, and training follows them."""

from math import log

import numpy as np
import pytest

from gauger.errors import GaugerError
from gauger.train.engine import Adapter
from gauger.train.likelihood import token_logs
from gauger.train.loop import Options
from gauger.train.preference_loss import PreferenceLoss
from gauger.train.preferences import Pair, Preferences, train_on_preferences
from gauger.train.rows import TrainingRow

from .models import BOTH_ENGINES, HF_KIT

PAIRS = (Pair("2+2=", "4", "5 or so"), Pair("7+5=", "12", "75"), Pair("the sun", " rises", " is green"))
DATA = Preferences(PAIRS, 2)


def trained(kit, steps=4, options=None, data=DATA, seed=0):
    return train_on_preferences(kit.model(seed), data, kit.schedule(steps), options)


def margins(model):
    rows = model.encode([TrainingRow(pair.prompt, answer) for pair in PAIRS for answer in (pair.better, pair.worse)])
    sums = np.add.reduceat(token_logs(model, rows).numpy(), rows.first_learnt)
    return sums[0::2] - sums[1::2]


@BOTH_ENGINES
@pytest.mark.parametrize("beta", [0.01, 0.5, 10.0])
def test_at_the_start_every_pair_costs_log_2_whatever_beta(kit, beta):
    options = Options(loss=PreferenceLoss(beta))
    assert trained(kit, 1, options, Preferences(PAIRS, 3)).losses == pytest.approx([log(2)], rel=1e-4)


@BOTH_ENGINES
def test_the_second_loss_is_the_literal_formula_against_the_model_as_it_came(kit):
    beta = 0.3
    options = Options(loss=PreferenceLoss(beta))
    result = train_on_preferences(kit.model(), Preferences(PAIRS, 3), kit.schedule(2), options)
    first = train_on_preferences(kit.model(), Preferences(PAIRS, 3), kit.schedule(2), options)
    moved = kit.model()
    one = train_on_preferences(moved, Preferences(PAIRS, 3), _first_of_two(kit), options)
    literal = np.log1p(np.exp(-beta * (margins(one.model) - margins(kit.model())))).mean()
    assert result.losses == first.losses
    assert result.losses[1] == pytest.approx(literal, rel=1e-4)


def _first_of_two(kit):
    """One step with the rate that the first of two has."""
    schedule = kit.schedule(1)
    assert schedule.rate(0) == kit.schedule(2).rate(0)
    return schedule


@BOTH_ENGINES
def test_training_prefers_and_is_decided_by_the_seed(kit):
    results = [trained(kit, 30, Options(seed, PreferenceLoss(0.5))) for seed in (1, 1, 2)]
    assert results[0].losses == results[1].losses != results[2].losses
    assert results[0].model.digest() == results[1].model.digest()
    assert np.mean(results[0].losses[-5:]) < 0.8 * log(2)
    assert (margins(results[0].model) > margins(kit.model())).all()
    (used,) = results[0].sources
    assert used.count_N.sum() == 2 * 2 * 30
    assert used.count_N[0::2].tolist() == used.count_N[1::2].tolist()
    assert used.count_N.max() - used.count_N.min() <= 1


def test_an_adapter_prefers_too():
    result = trained(HF_KIT, 30, Options(loss=PreferenceLoss(0.5), adapter=Adapter(rank=4)))
    assert result.losses[0] == pytest.approx(log(2), rel=1e-4)
    assert (margins(result.model) > margins(HF_KIT.model())).all()


@BOTH_ENGINES
def test_micro_batches_keep_pairs_together_and_change_nothing_but_rounding(kit):
    runs = [
        trained(kit, 3, Options(loss=PreferenceLoss(0.5), micro_tokens=n), Preferences(PAIRS, 3)) for n in (4096, 1)
    ]
    assert runs[0].losses == pytest.approx(runs[1].losses, rel=1e-4)


@BOTH_ENGINES
def test_beta_matters(kit):
    assert (
        trained(kit, 4, Options(loss=PreferenceLoss(0.1))).losses
        != trained(kit, 4, Options(loss=PreferenceLoss(1.0))).losses
    )


@BOTH_ENGINES
def test_no_pairs_is_an_error(kit):
    with pytest.raises(GaugerError, match="no preference pairs"):
        trained(kit, data=Preferences((), 2))
