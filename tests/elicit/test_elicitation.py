"""One stage's corpus from start to end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.twin_elicitation import MOST_ROUNDS, Wanted, answer, elicit
from gauger.elicit.twin_samples import Sample
from gauger.elicit.twin_surface import Interface
from gauger.spec.models import Surface
from gauger.worlds.atlas.forms import content_keys, form_of, render
from gauger.worlds.atlas.truth import true_answer
from gauger.worlds.atlas.world import CONTEXT
from worlds.small import small_world

from .scripted import Scripted, texts_teacher

SKILLS = ("fauna", "sort")
STRATEGIES = ("label", "expand", "textbook", "seedless")
ATLAS = small_world()


def library(atlas, **more):
    return texts_teacher([text.words for text in atlas.library], atlas, **more)


def run(atlas, strategy, samples=40, teacher=None, surface=None, seed=5, forms=("quiz", "cloze", "story")):
    interface = Interface(teacher or library(atlas), surface or Surface())
    return elicit(atlas, interface, Wanted(strategy, forms, samples, SKILLS), seed), interface


def cost(corpus):
    samples = corpus.samples
    return [sum(getattr(s, name) for s in samples) for name in ("queries", "tokens_in", "tokens_out")]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_as_many_samples_as_wanted_are_kept_and_each_is_as_it_should_be(atlas, strategy):
    corpus, _ = run(atlas, strategy)
    assert corpus.notes == ()
    kept = corpus.kept
    assert len(kept) == 40
    assert len({sample.id for sample in kept}) == 40
    for sample in kept:
        assert sample.strategy == strategy
        assert (sample.source, sample.teacher) == ("teacher", "scripted")
        assert form_of(sample.prompt) in ("quiz", "cloze", "story")
        assert sample.answer
        assert sample.filters == ("form", "topic", "overlap", "duplicate")
        assert not content_keys(sample.words) & atlas.splits.held_out
        assert len(sample.words) + 2 <= CONTEXT


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("surface", [Surface(), Surface(max_queries=60), Surface(max_tokens=700)])
def test_the_ledger_adds_up_to_what_was_spent(atlas, strategy, surface):
    corpus, interface = run(atlas, strategy, samples=50, surface=surface)
    spent = interface.spent
    assert cost(corpus) == [spent.queries, spent.tokens_in, spent.tokens_out]


def test_dropped_samples_stay_with_their_reason_and_their_cost(atlas):
    corpus, _ = run(atlas, "seedless", samples=300, forms=("quiz",))
    dropped = [sample for sample in corpus.samples if sample.dropped]
    assert {sample.dropped for sample in dropped} >= {"form", "duplicate"}
    assert all(sample.queries >= 1 and sample.tokens_out >= 1 for sample in dropped)


def test_prompts_written_in_vain_are_in_the_ledger_but_not_in_the_corpus(atlas):
    """One round writes 512 prompts; 40 are wanted, and nobody answers the rest."""
    corpus, interface = run(atlas, "seedless", forms=("quiz", "cloze"))
    unasked = [sample for sample in corpus.samples if sample.dropped == "unasked"]
    assert unasked
    assert all(sample.answer == () and sample.queries == 1 for sample in unasked)
    assert interface.spent.queries == 512 + 40
    assert len(corpus.kept) == 40


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_gives_the_same_corpus_and_another_seed_another(atlas, strategy):
    first, same, other = (run(atlas, strategy, seed=seed)[0] for seed in (5, 5, 6))
    assert first == same
    assert [s.id for s in first.kept] != [s.id for s in other.kept]


def test_a_decoder_gives_the_same_corpus_for_the_same_seed(atlas, trained):
    first, same = (run(atlas, "seedless", teacher=trained)[0] for _ in range(2))
    assert first == same
    assert first.kept


def test_the_end_of_the_seeds_is_noted(atlas):
    corpus, interface = run(atlas, "label", samples=10_000, forms=("quiz",))
    questions = [q for skill in SKILLS for q in atlas.benchmark_train[skill]]
    assert len(corpus.kept) == interface.spent.queries == len(questions)
    assert corpus.notes == (f"{len(questions)} of 10000 samples: nothing new was left to ask",)


def test_no_seeds_at_all_is_a_note_and_not_a_crash():
    nothing = small_world(seed_entities=0.0, seed_contents=0.0)
    for strategy in ("label", "expand"):
        corpus, _ = run(nothing, strategy)
        assert corpus.samples == ()
        assert corpus.notes == ("0 of 40 samples: nothing new was left to ask",)


def test_where_answers_are_dropped_the_seeds_left_over_are_asked(atlas):
    """Every third answer never ends; the questions after the first 40 make up for them."""
    count = iter(range(10**6))

    def say(prompt, rng):
        return ("F-rel1-0",) * (CONTEXT + 1 if next(count) % 3 == 0 else 1)

    corpus, _ = run(atlas, "label", teacher=Scripted(say), forms=("quiz",))
    assert len(corpus.kept) == 40
    assert corpus.notes == ()
    assert sum(sample.dropped == "truncated" for sample in corpus.samples) >= 13


def test_a_strategy_that_brings_nothing_is_given_up(atlas):
    same = Scripted(lambda prompt, rng: ("ask", "nothing", "?"))
    corpus, interface = run(atlas, "seedless", teacher=same, forms=("cloze",))
    assert corpus.kept == []
    assert corpus.notes == (f"0 of 40 samples: given up after {MOST_ROUNDS} rounds",)
    assert interface.spent.queries == MOST_ROUNDS * 512 == len(corpus.samples)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_spent_budget_is_noted_and_what_was_kept_is_used(atlas, strategy):
    corpus, interface = run(atlas, strategy, samples=500, surface=Surface(max_queries=30), forms=("quiz", "story"))
    assert 0 < len(corpus.kept) < 500
    assert interface.spent.queries <= 30
    assert corpus.notes == (f"{len(corpus.kept)} of 500 samples: the budget is spent",)


def test_tokens_reserved_but_not_used_are_asked_for_again(atlas):
    """A quiz answer may take 5 + 11 tokens and takes 5 + 2: the first round alone would leave half of the budget."""
    corpus, interface = run(atlas, "label", samples=500, surface=Surface(max_tokens=400), forms=("quiz",))
    spent = interface.spent
    assert 400 - (7 + 11) < spent.tokens_in + spent.tokens_out <= 400
    assert len(corpus.kept) == spent.queries


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(STRATEGIES),
    st.one_of(st.none(), st.integers(1, 80)),
    st.one_of(st.none(), st.integers(1, 900)),
    st.integers(1, 60),
)
def test_no_strategy_exceeds_a_budget(strategy, max_queries, max_tokens, samples):
    surface = Surface(max_queries=max_queries, max_tokens=max_tokens)
    corpus, _ = run(ATLAS, strategy, samples=samples, surface=surface)
    queries, tokens_in, tokens_out = cost(corpus)
    assert queries <= (max_queries or 10**9)
    assert tokens_in + tokens_out <= (max_tokens or 10**9)
    assert len(corpus.kept) <= samples
    assert bool(corpus.notes) == (len(corpus.kept) < samples)


def test_expand_makes_new_prompts_from_declared_seeds(atlas):
    corpus, _ = run(atlas, "expand", samples=60, forms=("quiz",))
    seeds = {q.key for skill in SKILLS for q in atlas.benchmark_train[skill]}
    prompts = {render(q, "quiz")[0] for skill in SKILLS for q in atlas.benchmark_train[skill]}
    new = [sample for sample in corpus.kept if sample.prompt not in prompts]
    assert new
    assert all(sample.seed_ids[0] in seeds for sample in corpus.kept)
    assert any(content_keys(sample.prompt) - seeds for sample in new)


def test_textbook_stories_are_drawn_and_differ(atlas):
    corpus, _ = run(atlas, "textbook", samples=60)
    assert {form_of(sample.prompt) for sample in corpus.kept} == {"story"}
    topics = [sample.prompt for sample in corpus.kept]
    assert len(set(topics)) < len(topics) == len({sample.words for sample in corpus.kept})


def test_seedless_is_not_bound_to_the_targeted_skills(atlas):
    corpus, _ = run(atlas, "seedless", samples=200)
    families = {key.split(":")[0] for sample in corpus.kept for key in content_keys(sample.words)}
    assert families == set(atlas.questions)
    bound, _ = run(atlas, "expand", samples=60)
    assert {key.split(":")[0] for s in bound.kept for key in content_keys(s.words)} <= set(SKILLS)


def test_questions_get_the_best_answer_and_stories_are_drawn(atlas):
    teacher = library(atlas)
    question, story = Sample(("ask", "F1", "?"), (), "label", "teacher"), Sample(("about", "F1", ":"), (), "x", "y")
    said = answer(Interface(teacher, Surface()), [story, question], 3)
    assert {prompt: request.temperature for prompt, request in teacher.requests} == {
        question.prompt: 0.0,
        story.prompt: 1.0,
    }
    assert {sample.prompt for sample in said} == {question.prompt, story.prompt}
    assert all((s.queries, s.tokens_in, s.teacher) == (1, len(s.prompt) + 1, "scripted") for s in said)


def test_label_answers_of_a_perfect_teacher_are_true(atlas):
    corpus, _ = run(atlas, "label", samples=30, forms=("quiz", "cloze"))
    for sample in corpus.kept:
        assert sample.answer == true_answer(atlas, sample.prompt, ())
