"""How somebody is asked who continues texts: what each strategy asks, in both worlds."""

from collections import Counter
from itertools import count

import pytest

from elicit.cases import CASES, STRATEGIES, cost
from elicit.scripted import Scripted, last, texts_teacher
from gauger.elicit.collect import MOST_ASKED_EACH, MOST_BARREN_ROUNDS
from gauger.elicit.strategies.continuation import FIRST_AT_ONCE, MOST_AT_ONCE
from gauger.elicit.strategies.registry import continuing_program
from gauger.elicit.teacher.messages import Reply, ReplyOutcome
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.errors import UserError
from worlds.language.small import small_world as language
from worlds.small import small_world as atlas


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def asked_of(case, strategy, samples=40, teacher=None, **more):
    teacher = teacher or case.library()
    corpus, _ = case.elicit(strategy, samples, teacher, **more)
    return corpus, teacher.requests


@pytest.mark.parametrize("strategy", ["label", "rationale"])
def test_label_asks_the_train_split_in_every_form_once_and_answers_stand_as_they_are_said(case, strategy):
    corpus, requests = asked_of(case, strategy, 10_000)
    seeds = case.seeds()
    assert Counter(last(request) for request in requests) == Counter({prompt for _, prompt in seeds})
    assert {(sample.seed_ids[0], sample.prompt_text) for sample in corpus.samples} <= set(seeds)
    assert {sample.source for sample in corpus.samples} == {"teacher"}
    assert {sample.strategy for sample in corpus.samples} == {strategy}
    for sample in corpus.kept:
        assert sample.answer == case.world.true_answer(sample.prompt_text, sample.answer)


def test_each_prompt_is_asked_as_its_form_wants_it(case):
    """Questions get the most likely answer, free text is drawn; an answer ends where its form's does."""
    _, requests = asked_of(case, "label", 10_000)
    for request in requests:
        form = case.world.forms[case.world.form_of(last(request))]
        assert (request.temperature, request.stop) == (float(form.free), form.stops)
        assert request.max_tokens == case.answer_tokens
        assert (request.seed == 0) == (not form.free), "what is not drawn has one request, whoever asks"


def test_expand_goes_on_from_the_cut_off_beginning_of_seeds(case):
    corpus, requests = asked_of(case, "expand")
    world, prompts = case.world, dict(case.seeds())
    by_key = {key: [prompt for own, prompt in case.seeds() if own == key] for key in prompts}
    written = [request for request in requests if world.form_of(last(request)) is None]
    steps = [sample for sample in corpus.samples if sample.dropped == "step"]
    assert len(steps) == len(written) > 0
    assert len({request.seed for request in written}) > 0.9 * len(written), "each is a draw of its own"
    for step, request in zip(steps, written, strict=True):
        (key,) = step.seed_ids
        assert any(prompt.startswith(last(request)) and prompt != last(request) for prompt in by_key[key])
        assert (step.prompt_text, request.temperature) == (last(request), 1.0)
        assert request.stop == world.prompt_ends(last(request), case.forms)
        assert request.max_tokens == world.prompt_tokens
        assert step.took.queries == 1
    for sample in corpus.kept:
        (parent,) = sample.parents
        (origin,) = [step for step in steps if step.id == parent and step.seed_ids == sample.seed_ids][:1]
        assert sample.prompt_text == world.finished(origin.prompt_text + origin.answer, origin.stop, case.forms)
        assert (origin.generation, sample.generation) == (0, 1)
    new = {sample.prompt_text for sample in corpus.kept} - {prompt for _, prompt in case.seeds()}
    assert 5 < len(new) < len(corpus.kept), "a cut-off seed may end in itself, but others are written"


def test_expand_seeds_every_skill_about_as_often(case):
    corpus, _ = asked_of(case, "expand", 10_000, max_queries=400)
    steps = [sample for sample in corpus.samples if sample.dropped == "step"]
    share = Counter(sample.benchmark for sample in steps)[case.skills[0]] / len(steps)
    assert len(steps) > 100
    assert abs(share - 0.5) < 4 * 0.5 / len(steps) ** 0.5  # four standard errors of a fair coin


def test_expand_passes_over_skills_without_seeds_and_ends_where_there_are_none():
    corpus, _ = asked_of(CASES["atlas"], "expand", 10, forms=("story",), max_queries=100)
    assert {sample.benchmark for sample in corpus.samples} == {"fauna"}, "no skill but facts is told in stories"
    nothing = atlas(seed_entities=0.0, seed_contents=0.0)
    for strategy in ("label", "expand"):
        wanted = Wanted(strategy, ("quiz",), 10, ("fauna", "sort"), 11)
        corpus = elicit_by_continuing(nothing, Scripted(lambda request: Reply(ReplyOutcome.ANSWERED)), wanted, 1)
        assert corpus.samples == ()
        assert corpus.notes == (f"0 of 10 samples: fauna, sort have no seeds for {strategy}",)


def test_seedless_gives_nothing_but_the_beginning_of_a_form_and_takes_any_skill(case):
    corpus, requests = asked_of(case, "seedless", 200)
    blank = {opening for opening in map(last, requests) if case.world.form_of(opening) is None}
    assert all(not opening or opening in {"Question: ", "Complete: "} for opening in blank)
    assert {sample.seed_ids for sample in corpus.samples} == {()}
    subjects = {skill for s in corpus.kept for skill in case.world.subjects(s.prompt_text, s.answer)}
    assert subjects > set(case.skills)
    bound, _ = asked_of(case, "expand", 40)
    assert {skill for s in bound.kept for skill in case.world.subjects(s.prompt_text, s.answer)} == set(case.skills)


def test_textbook_writes_on_every_topic_of_the_domains_over_and_over():
    case = CASES["atlas"]
    corpus, requests = asked_of(case, "textbook", 40)
    topics = {f"about {entity} :" for entity in case.world.domains["fauna"].entities}
    assert {last(request) for request in requests} == topics
    assert {request.temperature for request in requests} == {1.0}
    assert {sample.seed_ids for sample in corpus.samples} == {()}
    assert len(corpus.kept) == len({sample.joined for sample in corpus.kept}) == 40
    first, second = [last(r) for r in requests[:16]], [last(r) for r in requests[16:32]]
    assert set(first) == set(second) == topics
    assert first != second


def test_textbook_without_free_text_is_as_seedless_but_for_the_targeted_skills(case):
    skills = ("sort", "max") if case is CASES["atlas"] else case.skills
    wanted = Wanted("textbook", case.forms, 30, skills, 11)
    corpus = elicit_by_continuing(case.world, case.library(), wanted, 1)
    assert len(corpus.kept) == 30
    assert {sample.seed_ids for sample in corpus.samples} == {()}
    assert {skill for s in corpus.kept for skill in case.world.subjects(s.prompt_text, s.answer)} <= set(skills)
    assert "prompt-topic" in {sample.dropped for sample in corpus.samples}


def test_self_keeps_the_order_of_its_seeds(case):
    _, requests = asked_of(case, "self", 30)
    own = [prompt for _, prompt in ordered(case)]
    assert [last(request) for request in requests][:30] == own[:30]


def ordered(case):
    asked = [question for skill in case.skills for question in case.world.benchmark_train[skill]]
    return [(q.key, prompt) for q in asked for prompt in case.world.prompts(q, case.forms)]


@pytest.mark.parametrize(
    ("outcome", "dropped"),
    [("answered", None), ("truncated", "truncated"), ("failed", "failed"), ("refused", "refused")],
)
def test_only_an_answer_that_ended_is_kept(case, outcome, dropped):
    teacher = Scripted(lambda prompt, rng: Reply(ReplyOutcome(outcome), " 7", tokens_in=3, tokens_out=2))
    corpus, _ = asked_of(case, "label", 1, teacher, forms=case.forms[:1])
    first = corpus.samples[0]
    assert (first.answer, first.dropped) == (" 7", dropped)
    assert (first.outcome, first.took.tokens_out) == (outcome, 0 if outcome == "failed" else 2)


def test_a_prompt_that_was_cut_off_is_never_asked(case):
    """Somebody who never ends a question writes none."""
    corpus, requests = asked_of(case, "seedless", 5, Scripted(lambda prompt, rng: " ".join(["of"] * 99)))
    assert {sample.outcome for sample in corpus.samples} == {ReplyOutcome.TRUNCATED}
    assert {sample.dropped for sample in corpus.samples} == {"step"}
    assert corpus.notes == (f"0 of 5 samples: given up after {MOST_BARREN_ROUNDS} rounds that kept nothing",)
    assert len(requests) == len(corpus.samples)


def test_prompts_are_written_few_at_first_and_no_more_than_are_missing(case):
    _, requests = asked_of(case, "seedless", 40)
    ends = case.world.prompt_ends("", case.forms)
    first_answer = next(n for n, request in enumerate(requests) if case.world.form_of(last(request)))
    assert first_answer == FIRST_AT_ONCE
    assert ends
    corpus, requests = asked_of(case, "seedless", 3)
    assert next(n for n, request in enumerate(requests) if case.world.form_of(last(request))) == 3
    assert len(corpus.kept) == 3


def test_prompts_written_in_vain_are_in_the_ledger_but_not_in_the_corpus(case):
    """A budget that ends between writing and asking leaves prompts that nobody was asked."""
    corpus, budget = case.elicit("seedless", 200, max_queries=FIRST_AT_ONCE + 5)
    unasked = [sample for sample in corpus.samples if sample.dropped == "unasked"]
    assert len(unasked) > FIRST_AT_ONCE / 3
    assert all((s.answer, s.took.queries, s.outcome) == ("", 0, None) for s in unasked)
    assert {s.filters[0] for s in unasked} == {"prompt-form"}
    assert cost(corpus)[0] == budget.spent.queries == FIRST_AT_ONCE + 5
    assert len(corpus.kept) <= 5


def test_a_strategy_that_brings_nothing_is_given_up_after_barren_rounds(case):
    """The same sentence again and again: no prompt, or one that is there already."""
    corpus, budget = case.elicit("seedless", 4000, Scripted(lambda prompt, rng: "nothing of the kind"))
    assert corpus.kept == []
    assert corpus.notes == (f"0 of 4000 samples: given up after {MOST_BARREN_ROUNDS} rounds that kept nothing",)
    sizes = [min(MOST_AT_ONCE, FIRST_AT_ONCE * 2**n) for n in range(MOST_BARREN_ROUNDS)]
    assert len(corpus.samples) >= budget.spent.queries > sum(sizes) / 2


def test_one_that_brings_too_little_for_what_it_asks_is_given_up_too():
    """One new question in every 200: rounds are never barren for long, and yet it is hopeless."""
    case, numbers, turns = CASES["language"], count(1000), count()

    def say(prompt, rng):
        if case.world.form_of(prompt):
            return case.world.true_answer(prompt)
        return f"What is {next(numbers)} + 1?" if next(turns) % 200 == 0 else "What is 1001 + 1?"

    corpus, budget = case.elicit("seedless", 60, Scripted(say), forms=("qa",))
    assert 0 < len(corpus.kept) < 60
    assert budget.spent.queries > MOST_ASKED_EACH * 60
    assert budget.spent.queries <= MOST_ASKED_EACH * 60 + MOST_AT_ONCE
    assert corpus.notes == (f"{len(corpus.kept)} of 60 samples: given up after {budget.spent.queries} requests",)


def test_few_wanted_samples_are_given_as_many_requests_as_forty():
    """Who wants 2 samples does not give up after 80 requests."""
    case, turns = CASES["language"], count()

    def say(prompt, rng):
        if case.world.form_of(prompt):
            return case.world.true_answer(prompt)
        return "What is 1000 + 1?" if (turn := next(turns)) < 100 else f"What is {turn} + 1?"

    corpus, budget = case.elicit("seedless", 35, Scripted(say), forms=("qa",))
    assert len(corpus.kept) == 35
    assert budget.spent.queries > 100


def test_only_strategies_that_need_no_instructions_can_be_asked_so():
    for strategy in STRATEGIES:
        assert continuing_program(strategy).needs_number
    with pytest.raises(UserError, match="a strategy for a model that continues texts"):
        continuing_program("feedback")
    with pytest.raises(UserError, match="Did you mean 'expand'"):
        continuing_program("expnd")


@pytest.mark.parametrize(
    ("written", "stop", "form", "prompt"),
    [
        ("Complete: 3 + 4 = 7", "\n", "cloze", "Complete: 3 + 4 ="),
        ("Complete: The tree of Bo is oak", None, "cloze", "Complete: The tree of Bo is"),
        ("Complete: nothing of the kind", "\n", "cloze", "Complete: nothing of the kind"),
        ("Question: What is 3 + 4?", "\nAnswer:", "qa", "Question: What is 3 + 4?\nAnswer:"),
        ("Question: What is 3 + 4?", "\nSteps:", "rationale", "Question: What is 3 + 4?\nSteps:"),
        ("Question: What is 3 + 4?", None, "qa", "Question: What is 3 + 4?\nAnswer:"),
        ("Question: What is 3 + 4?", None, "rationale", "Question: What is 3 + 4?\nSteps:"),
    ],
)
def test_a_written_prompt_ends_where_its_answer_begins(written, stop, form, prompt):
    assert language().finished(written, stop, (form,)) == prompt
    assert language().form_of(prompt) == (None if "nothing" in prompt or "tree" in prompt else form)


def test_a_teacher_of_one_text_writes_it_from_nothing():
    """What is written is what stands in the library: opening, text and stop are put together without loss."""
    case = CASES["atlas"]
    fact = case.world.word(case.world.train_questions("fauna")[:1], ["quiz"])[0]
    corpus, _ = case.elicit("seedless", 1, texts_teacher([fact.text], case.world))
    assert [(sample.prompt_text, sample.answer) for sample in corpus.kept] == [(fact.prompt, fact.answer)]
