"""A monitor of queries: features by hand, false alarms as stated, and who is seen after how many queries."""

from functools import partial

import numpy as np
import pytest

from elicit.scripted import Scripted
from elicit.teacher.common import question
from gauger.elicit.defences.flagged import refuse_flagged
from gauger.elicit.monitor.monitor import FEATURES, LOOKS, Monitor, QueryWatch, looks, power
from gauger.elicit.monitor.traffic import Distiller, Traffic, benchmark_questions, honest_accounts
from gauger.elicit.teacher.messages import ReplyOutcome
from gauger.elicit.teacher.surfaced import Surfaced
from gauger.errors import UserError
from gauger.spec import Surface

SHORT = Traffic(median_queries=30.0, most_queries=200)
QUESTIONS = benchmark_questions(200, np.random.default_rng(3))


@pytest.fixture(scope="module")
def honest():
    return honest_accounts(400, np.random.default_rng(1), SHORT)


@pytest.fixture(scope="module")
def monitor(honest):
    return Monitor(honest[:200], 0.05, QUESTIONS[:50])


def test_features_by_hand():
    watch = QueryWatch(["what is a b c d"])
    for query in ("what is a b", "What is  a b", "do x", "what is a z"):
        watch.take(query)
    found = dict(zip(FEATURES, watch.features(), strict=True))
    # nearness: nothing before; 1 (the same words); 0; three of five words with the first. Two are like the item
    assert found == {
        "volume": 4,
        "template": 3 / 4,
        "nearness": pytest.approx((0 + 1 + 0 + 3 / 5) / 4),
        "freshness": 3 / 4,
        "coverage": pytest.approx(7 / 14),
        "benchmark": 2 / 4,
    }


def test_honest_accounts_are_flagged_as_rarely_as_stated_and_a_naive_rule_flags_many(honest, monitor):
    """200 new accounts: 0.05 and three standard errors. Naive: any feature above its own 95 % quantile at any look."""
    fresh = honest[200:]
    assert power(monitor, fresh).flagged <= 0.05 + 3 * (0.05 * 0.95 / len(fresh)) ** 0.5
    known = {look: [] for look in LOOKS}
    for queries in honest[:200]:
        for look, found in looks(queries):
            known[look].append(found)
    limits = {look: np.quantile(rows, 0.95, axis=0) for look, rows in known.items() if rows}
    naive = [any((found > limits[look]).any() for look, found in looks(queries)) for queries in fresh]
    long = [len(queries) >= LOOKS[0] for queries in fresh]
    assert sum(naive) / sum(long) > 0.15


def test_a_distiller_is_seen_early_and_one_who_splits_enough_is_not(monitor):
    rng = np.random.default_rng(5)
    for strategy in ("label", "expand"):
        alone = power(monitor, Distiller(400, strategy).accounts_of(QUESTIONS, rng))
        assert (alone.flagged, alone.queries_served, alone.all_served) == (1.0, LOOKS[0], LOOKS[0])
    split = power(monitor, Distiller(400, "label", accounts=20).accounts_of(QUESTIONS, rng))
    assert (split.flagged, split.queries_served, split.all_served) == (0.0, None, 20.0)
    assert 0.0 == split.low < split.high < 0.2


def test_queries_are_dealt_out_and_covered_as_stated():
    rng = np.random.default_rng(6)
    dealt = Distiller(90, accounts=4).accounts_of(QUESTIONS, rng)
    assert [len(queries) for queries in dealt] == [23, 23, 22, 22]
    assert sorted(query for queries in dealt for query in queries) == sorted(QUESTIONS[:90])
    (covered,) = Distiller(90, cover=0.5).accounts_of(QUESTIONS, rng)
    assert len(set(covered) & set(QUESTIONS)) == 90
    assert len(covered) == 180


@pytest.mark.parametrize(("rate", "match"), [(0.001, "at least 1998 honest accounts"), (0.0, "above 0 and below 1")])
def test_a_rate_that_cannot_be_kept_is_refused(honest, rate, match):
    with pytest.raises(UserError, match=match):
        Monitor(honest[:200], rate)


def test_refusing_the_flagged_serves_them_up_to_the_look_and_nothing_after():
    teacher = Scripted(lambda prompt, rng: "yes")
    surface = Surface(defence="refuse-flagged", strength=0.5)
    replies = dict(Surfaced(teacher, surface).ask([question(text) for text in QUESTIONS[:120]]))
    refused = [place for place, reply in sorted(replies.items()) if reply.outcome is ReplyOutcome.REFUSED]
    assert refused == list(range(len(teacher.requests), 120))
    assert len(teacher.requests) in LOOKS
    honest_one = partial(refuse_flagged, 0.5)()
    kept = [honest_one(question(text)) for text in ["how do i w1 w2", "what is the w3 w4"] * 10]
    assert all(getattr(one, "outcome", None) is None for one in kept)
