"""One stage's corpus from start to end, in both worlds: budgets, ledger, randomness, and who answers again."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elicit.cases import CASES, STRATEGIES, cost
from elicit.scripted import Scripted, by_words, last
from gauger.elicit.corpus import Text
from gauger.elicit.lineage import lineage
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.world_corpus import Wanted, answer_prompts, elicit_by_continuing
from gauger.spec.models import Surface

FILTERS = ("length", "form", "topic", "overlap", "duplicate")


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_as_many_samples_as_wanted_are_kept_and_each_is_as_it_should_be(case, strategy):
    corpus, _ = case.elicit(strategy)
    assert corpus.notes == ()
    kept, passed = corpus.kept, tuple(name for name in FILTERS if name != "topic" or strategy != "seedless")
    assert len(kept) == len({sample.id for sample in kept}) == 40
    for sample in kept:
        assert sample.strategy == strategy
        assert (sample.source, sample.teacher) == ("self" if strategy == "self" else "teacher", "scripted")
        assert case.world.form_of(sample.prompt_text) in case.forms
        assert sample.answer.startswith(" ")
        assert sample.filters[-len(passed) :] == passed
        assert not case.world.overlaps(sample.joined)
        if case.world.longest_text:
            assert len(sample.joined.split()) + 2 <= case.world.longest_text


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("limits", [{}, {"max_queries": 60}, {"max_tokens": 700}])
def test_the_ledger_adds_up_to_what_was_spent(case, strategy, limits):
    corpus, budget = case.elicit(strategy, samples=50, **limits)
    spent = budget.spent
    assert cost(corpus) == (spent.queries, spent.tokens_in, spent.tokens_out)
    ledger = corpus.ledger()
    assert ledger["queries"].sum() == spent.queries


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_gives_the_same_corpus_and_another_seed_another(case, strategy):
    first, same, other = (case.elicit(strategy, seed=seed)[0] for seed in (5, 5, 6))
    assert first == same
    if strategy != "self":
        assert [s.id for s in first.kept] != [s.id for s in other.kept]


def test_a_decoder_gives_the_same_corpus_for_the_same_seed(trained):
    first, same = (CASES["atlas"].elicit("seedless", teacher=trained)[0] for _ in range(2))
    assert [(s.id, s.dropped, s.stop) for s in first.samples] == [(s.id, s.dropped, s.stop) for s in same.samples]
    assert first.kept


def test_the_end_of_the_seeds_is_noted(case):
    form = case.forms[:1]
    corpus, budget = case.elicit("label", 10_000, forms=form)
    n_seeds = len(case.seeds(form))
    assert len(corpus.kept) == budget.spent.queries == n_seeds
    assert corpus.notes == (f"{n_seeds} of 10000 samples: nothing new was left to ask",)


def test_where_answers_are_dropped_the_seeds_left_over_are_asked(case):
    """Every third answer never ends; the questions after the first 20 make up for them."""
    turns = iter(range(10**6))
    teacher = Scripted(lambda prompt, rng: " ".join(["so"] * (20 if next(turns) % 3 == 0 else 1)))
    corpus, _ = case.elicit("label", 20, teacher, forms=case.forms[:1])
    assert len(corpus.kept) == 20
    assert corpus.notes == ()
    assert sum(sample.dropped == "truncated" for sample in corpus.samples) >= 6


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_spent_budget_is_noted_and_what_was_kept_is_used(case, strategy):
    corpus, budget = case.elicit(strategy, 500, max_queries=60)
    assert 0 < len(corpus.kept) < 500
    assert budget.spent.queries <= 60
    assert corpus.notes == (f"{len(corpus.kept)} of 500 samples: the budget is spent",)


@pytest.mark.parametrize("budget", [1, 7])
def test_a_budget_is_spent_to_the_last_request(case, budget):
    teacher = case.library()
    corpus, _ = case.elicit("label", 12, teacher, max_queries=budget)
    assert len(teacher.requests) == len(corpus.samples) == budget


def test_tokens_reserved_but_not_used_are_asked_for_again(case):
    """An answer may take 11 tokens and takes 2 to 4: the first round alone would leave most of the budget."""
    corpus, budget = case.elicit("label", 500, max_tokens=400, forms=case.forms[:1])
    spent = budget.spent
    assert 400 - (20 + 11) < spent.tokens_in + spent.tokens_out <= 400
    assert len(corpus.kept) == spent.queries


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(list(CASES)),
    st.sampled_from(STRATEGIES),
    st.one_of(st.none(), st.integers(1, 80)),
    st.one_of(st.none(), st.integers(1, 900)),
    st.integers(1, 40),
)
def test_no_strategy_exceeds_a_budget(name, strategy, max_queries, max_tokens, samples):
    corpus, budget = CASES[name].elicit(strategy, samples, max_queries=max_queries, max_tokens=max_tokens)
    queries, tokens_in, tokens_out = cost(corpus)
    assert queries == budget.spent.queries <= (max_queries or 10**9)
    assert tokens_in + tokens_out <= (max_tokens or 10**9)
    assert len(corpus.kept) <= samples
    assert bool(corpus.notes) == (len(corpus.kept) < samples)


def test_a_budget_means_the_same_in_a_study_and_outside(case):
    """The same requests, the same budget, the same teacher: by the strategy of a study or one after the other."""
    teacher, other = case.library(), case.library()
    budget = QueryBudget(max_tokens=600, tokens_in=by_words)
    elicit_by_continuing(case.world, Limited(teacher, budget), case.wanted("label", 500), 1)
    again = QueryBudget(max_tokens=600, tokens_in=by_words)
    wished = case.library()
    elicit_by_continuing(case.world, wished, case.wanted("label", 500), 1)
    replies = dict(Limited(other, again).ask(wished.requests))
    assert len(replies) == len(teacher.requests) == again.spent.queries == budget.spent.queries
    assert (again.spent, other.requests) == (budget.spent, teacher.requests)


def test_the_seeds_of_a_corpus_are_the_train_split_and_lineage_ends_in_them(case, tmp_path):
    corpus, _ = case.elicit("expand", 20)
    corpus.write(tmp_path)
    found = lineage(tmp_path)
    keys = {key for key, _ in case.seeds()}
    assert set(found["id"]) == {sample.id for sample in corpus.kept}
    assert set(found["seed"]) <= keys
    assert set(found["benchmark"]) <= set(case.skills)
    assert set(found["split"]) == {"train"}


def test_the_surface_stands_in_every_row(case):
    wanted = replace(case.wanted("label", 5), surface=Surface(log_probabilities="full"))
    corpus = elicit_by_continuing(case.world, case.library(), wanted, 1)
    assert {sample.surface for sample in corpus.samples} == {"text, log-probabilities"}


# --- answering the prompts of another corpus ----------------------------------------------------------------------


def answered(case, teacher, texts, **more):
    wanted = Wanted("label", tuple(case.world.forms), len(texts), (), case.answer_tokens)
    return answer_prompts(case.world, teacher, texts, wanted, 3, **more)


def prompts_of(case):
    corpus, _ = case.elicit("label", 12)
    return [Text(sample.prompt_text, sample.answer, whole=place % 2 == 1) for place, sample in enumerate(corpus.kept)]


def test_the_placebo_answers_the_same_prompts_in_their_order_and_has_no_seeds(case):
    texts, teacher = prompts_of(case), Scripted(lambda prompt, rng: "hm")
    corpus = answered(case, teacher, texts)
    assert [last(request) for request in teacher.requests] == [text.prompt for text in texts]
    assert [(s.prompt_text, s.whole, s.answer) for s in corpus.samples] == [(t.prompt, t.whole, " hm") for t in texts]
    assert {(s.source, s.strategy, s.seed_ids) for s in corpus.samples} == {("self", "label", ())}
    assert {s.dropped for s in corpus.samples} == {None}


@pytest.mark.parametrize(("keeps", "dropped"), [(True, None), (False, "truncated")])
def test_what_the_placebo_did_not_end_is_a_text_like_another(case, keeps, dropped):
    rambling = Scripted(lambda prompt, rng: " ".join(["so"] * 50))
    corpus = answered(case, rambling, prompts_of(case), keeps_truncated=keeps)
    assert {sample.dropped for sample in corpus.samples} == {dropped}
    longest = case.world.longest_text if keeps else None
    for sample in corpus.samples:  # as much as was said, but for the place of its end mark
        room = longest - 2 - len(sample.prompt_text.split()) if longest else case.answer_tokens
        assert sample.answer == " so" * min(room, case.answer_tokens)


def test_the_placebo_is_guarded_like_any_other(case):
    item = case.world.benchmark(next(iter(case.world.listed()))).items[0]
    leaking = Scripted(lambda prompt, rng: f"{item.prompt}{item.answer}".replace("\n", " "))
    wanted = Wanted("label", tuple(case.world.forms), 12, (), 40)
    corpus = answer_prompts(case.world, leaking, prompts_of(case), wanted, 3)
    assert {sample.dropped for sample in corpus.samples} == {"overlap"}
    assert all(item.question.key in sample.overlaps for sample in corpus.samples)


def test_no_prompts_give_an_empty_corpus(case):
    teacher = Scripted(lambda prompt, rng: "hm")
    assert answered(case, teacher, []).samples == ()
    assert teacher.requests == []
