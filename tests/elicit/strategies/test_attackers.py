"""Strategies that know the defence: asking again and voting, and steps written again before answers that hide them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from elicit.scripted import Scripted, texts_teacher
from gauger.elicit.collect import Setting, collect_corpus
from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.filters.filters import Filters
from gauger.elicit.sample import STEP
from gauger.elicit.strategies.invert import DRAWS, NO_STEPS
from gauger.elicit.strategies.registry import program
from gauger.elicit.strategies.seeds import Seed, SeedTurn
from gauger.elicit.strategies.vote import VOTES
from gauger.elicit.teacher.messages import Reply, ReplyOutcome
from gauger.elicit.teacher.surfaced import Surfaced, generated
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.errors import UserError
from gauger.spec import LanguageWorld, Surface
from gauger.worlds.language.world import TextWorld
from worlds.small import small_world

SUMS = {
    "kind": "language",
    "tasks": {"sums": {"kind": "reasoning-gym", "task": "chain_sum", "train": 20, "test": 4, "new": 4}},
    "benchmark_items": 4,
}
WORLD = small_world(letters=10, total_sets=120)
WANTED = Wanted("label", ("quiz",), 30, ("total",), 17, Surface())


def library():
    return texts_teacher([text.text for text in WORLD.library], WORLD)


def unsure(right=0.7):
    """Knows the true answer and says it with a chance; else another letter."""

    def say(prompt, rng):
        true, draw = WORLD.question_of(prompt), share_of_text(prompt, str(rng.integers(2**60)))
        answer = true.answer if draw < right else WORLD.letters[int(5 * (draw - right) / (1 - right))]
        return f" {answer}"

    return Scripted(say)


def corpus(strategy, teacher, student=None, surface=None, seed=3):
    surface = surface or Surface()
    wanted = Wanted(strategy, WANTED.forms, WANTED.samples, WANTED.skills, 17, surface)
    return elicit_by_continuing(WORLD, Surfaced(teacher, surface), wanted, seed, student)


def share_right(rows):
    return np.mean([WORLD.grade(row.prompt_text, row.answer, ended=True) for row in rows])


def test_votes_outvote_what_is_random_and_one_answer_does_not():
    """With 0.76 right answers (0.7 and a fifth of the rest) a majority of five is right in 0.9, one in 0.76."""
    alone, voted = corpus("label", unsure()), corpus("vote", unsure())
    assert len(alone.kept) == len(voted.kept) == 30
    assert share_right(voted.kept) > share_right(alone.kept)
    assert share_right(voted.kept) > 0.85


def test_every_vote_is_asked_with_a_draw_of_its_own_and_stands_in_the_ledger():
    teacher = unsure()
    rows = corpus("vote", teacher).samples
    asked = Counter(request.messages[-1].content for request in teacher.requests)
    assert set(asked.values()) == {VOTES}
    assert all(request.temperature == 1.0 for request in teacher.requests)
    assert len({(r.messages, r.seed) for r in teacher.requests}) == len(teacher.requests)
    assert Counter(row.dropped for row in rows) == {STEP: 30 * (VOTES - 1), None: 30}
    assert sum(row.took.queries for row in rows) == 30 * VOTES


@pytest.mark.parametrize("lost", [{VOTES - 1}, {0, VOTES - 1}, {0}, set(range(VOTES - 1))])
def test_who_is_refused_some_of_the_votes_decides_by_the_others(lost):
    """Also where it is the last one that is refused, as a ration of every fifth query does to five votes."""
    teacher = unsure()
    asked = Counter()

    class Rationed:
        name, terms = "rationed", None

        def ask(self, requests):
            for place, reply in teacher.ask(requests):
                number = asked["all"] % VOTES
                asked["all"] += 1
                refused = Reply(ReplyOutcome.REFUSED, requests=0, unpaid=True, error="no more")
                yield place, refused if number in lost else reply

    rows = corpus("vote", Rationed()).samples
    kept = [row for row in rows if row.dropped is None]
    assert len(kept) == 30
    dropped = Counter(row.dropped for row in rows)
    assert (dropped[None], dropped["refused"]) == (30, 30 * len(lost))
    assert dropped[STEP] == 30 * (VOTES - len(lost) - (VOTES - 1 not in lost))
    assert sum(row.took.queries for row in rows) == 30 * (VOTES - len(lost))
    assert all(row.answer and row.outcome is ReplyOutcome.ANSWERED for row in kept)


def test_a_budget_that_ends_between_votes_loses_none_that_was_paid():
    teacher = unsure()

    class Spent:
        name, terms = "spent", None

        def ask(self, requests):
            yield from list(teacher.ask(requests))[: 2 * VOTES + 3]

    rows = corpus("vote", Spent()).samples
    assert Counter(row.dropped for row in rows) == {None: 3, STEP: 2 * (VOTES - 1) + 3}
    assert sum(row.took.queries for row in rows) == 2 * VOTES + 3


def test_where_no_vote_comes_nothing_is_kept():
    class Silent:
        name, terms = "silent", None

        def ask(self, requests):
            yield from ((k, Reply(ReplyOutcome.REFUSED, requests=0, unpaid=True)) for k in range(len(requests)))

    rows = corpus("vote", Silent()).samples
    assert {row.dropped for row in rows} == {"refused"}


def test_who_asks_at_temperature_0_outvotes_the_heat_alone():
    """The heated teacher is asked at 1 by who asks at 0, and at 2 by who asks at 1, where it says anything."""

    def say(prompt, rng):
        return WORLD.true_answer(prompt) if rng.random() < 0.75 else " 'a"

    class Melting(Scripted):
        def ask(self, requests):
            hot = [request.temperature > 1.5 for request in requests]
            for place, reply in super().ask(requests):
                noise = f" '{'abcdefgh'[requests[place].seed % 8]}"
                yield place, replace(reply, text=noise) if hot[place] else reply

    heat = Surface(defence="heat", strength=0.5)

    def asked(strategy):
        teacher = Melting(say)
        wanted = Wanted(strategy, WANTED.forms, WANTED.samples, WANTED.skills, 17, heat)
        rows = elicit_by_continuing(WORLD, Surfaced(generated(teacher, heat), heat), wanted, 3)
        return teacher.requests, rows.kept

    cold, kept = asked("vote-cold")
    warm, spoilt = asked("vote")
    assert {request.temperature for request in cold} == {1.0}
    assert {request.temperature for request in warm} == {2.0}
    assert len({(request.messages, request.seed) for request in cold}) == len(cold)
    assert share_right(kept) > 0.8 > 0.5 > share_right(spoilt)


def test_a_vote_takes_the_reasoning_of_the_answer_that_won():
    def say(prompt, rng):
        return " <think> 'a </think> 'b" if rng.random() < 0.8 else " <think> 'c </think> 'd"

    for row in corpus("vote", Scripted(say), surface=Surface(reasoning="shown")).kept:
        steps, answer = row.answer.split()[1:2], row.answer.split()[-1:]
        assert (steps, answer) in ((["'a"], ["'b"]), (["'c"], ["'d"]))


def test_a_reply_that_was_cut_off_has_no_vote_and_gives_no_steps():
    """It came most often, but has no end: whoever learnt it would learn an end that nobody wrote, if it had room."""
    endless = " ".join([" <think>", *["'a"] * 16])

    def four_of_five(prompt, rng):
        return endless if rng.random() < 0.6 else WORLD.true_answer(prompt)

    shown = Surface(reasoning="shown")
    voted = corpus("vote", Scripted(four_of_five), surface=shown)
    assert {row.dropped for row in voted.samples} == {STEP, "truncated", None}
    assert all(row.answer.split() == WORLD.true_answer(row.prompt_text).split() for row in voted.kept)

    def full(prompt, rng):
        """Reaches the answer at the last place that there is, and goes on."""
        answer = WORLD.true_answer(prompt).split()[-1]
        return " ".join([" <think>", *["'b"] * 14, "</think>", answer, answer])

    inverted = corpus("invert", library(), Surfaced(Scripted(full), shown))
    assert {row.dropped for row in inverted.samples} == {"truncated", NO_STEPS}


@pytest.mark.parametrize(("steps", "dropped"), [(5, {STEP, "too-long"}), (4, {STEP, None})])
def test_steps_that_leave_no_room_for_the_end_are_dropped_and_counted(steps, dropped):
    """Seven words and their end fit after the prompt; the helper never opens its steps, and the mark is put there."""

    def unopened(prompt, rng):
        return " ".join(["", *["'b"] * steps, "</think>", WORLD.true_answer(prompt).split()[-1]])

    rows = corpus("invert", library(), Surfaced(Scripted(unopened), Surface(reasoning="shown"))).samples
    assert {row.dropped for row in rows} == dropped
    lengths = {len(row.joined.split()) + 2 - WORLD.longest_text for row in rows if row.dropped != STEP}
    assert lengths == {steps - 4}


def test_by_instruction_an_answer_that_was_cut_off_is_given_no_steps():
    def teacher(prompt, rng):
        return Reply(ReplyOutcome.TRUNCATED if len(prompt) % 2 else ReplyOutcome.ANSWERED, "It is", tokens_in=3)

    seeds = [Seed(id=f"s{number}", prompt="q" * number) for number in range(3, 9)]
    helped = Setting(Surface(), student=Scripted(lambda prompt, rng: "One counts the letters."))
    rows = collect_corpus(Surfaced(Scripted(teacher), Surface()), program("invert"), seeds, setting=helped).samples
    assert Counter(row.dropped for row in rows) == {"truncated": 3, STEP: 3, None: 3}


def test_steps_of_a_helper_stand_before_hidden_answers_where_they_lead_there():
    plain = corpus("label", library())
    inverted = corpus("invert", library(), Surfaced(library(), Surface(reasoning="shown")))
    assert {len(row.answer.split()) for row in plain.kept} == {1}
    assert {len(row.answer.split()) for row in inverted.kept} == {7}
    assert all(row.answer.split() == WORLD.true_answer(row.prompt_text).split() for row in inverted.kept)
    assert {row.surface for row in inverted.kept} == {"text"} == {row.surface for row in plain.kept}
    assert {row.source for row in inverted.kept} == {"teacher"}
    assert {row.source for row in inverted.samples if row.dropped == STEP} == {"self"}


def test_a_helper_that_knows_one_wording_is_asked_in_it():
    asked = []

    def say(prompt, rng):
        asked.append(prompt.split()[0])
        return WORLD.true_answer(prompt) if prompt.startswith("total") else " 'a"

    rows = corpus("invert", library(), Surfaced(Scripted(say), Surface(reasoning="shown"))).kept
    assert Counter(asked) == {"ask": 30 * DRAWS // 2, "total": 30 * DRAWS // 2}
    assert len(rows) == 30


def test_answers_that_no_steps_lead_to_are_dropped_and_shown_steps_are_taken():
    mute = Surfaced(Scripted(lambda prompt, rng: " 'a"), Surface(reasoning="shown"))
    lost = corpus("invert", library(), mute)
    assert {row.dropped for row in lost.samples} == {STEP, NO_STEPS}
    shown = corpus("invert", library(), mute, Surface(reasoning="shown"))
    assert len(shown.kept) == 30
    assert all(row.answer.split() == WORLD.true_answer(row.prompt_text).split() for row in shown.kept)


def test_steps_that_are_shown_and_wrong_are_written_again_by_who_believes_none():
    wrong = Surface(reasoning="shown", defence="wrong-steps")
    helper = Surfaced(library(), Surface(reasoning="shown"))
    believed, again = (corpus(name, library(), helper, wrong).kept for name in ("invert", "rederive"))
    true = [
        [row.answer.split() == WORLD.true_answer(row.prompt_text).split() for row in rows] for rows in (believed, again)
    ]
    assert np.mean(true[0]) < 0.5
    assert np.mean(true[1]) == 1.0


def test_by_instruction_the_helper_is_told_the_answer_and_writes_the_steps():
    told = []

    def teacher(prompt, rng):
        return Reply(ReplyOutcome.ANSWERED, f"It is {len(prompt)}.", tokens_in=3, tokens_out=3)

    def helper(prompt, rng):
        told.append(prompt)
        return "One counts the letters."

    seeds = [Seed(id=f"s{number}", prompt="q" * number) for number in range(3, 9)]
    found = collect_corpus(
        Surfaced(Scripted(teacher), Surface()),
        program("invert"),
        seeds,
        setting=Setting(Surface(), student=Scripted(helper)),
    )
    assert len(found.kept) == 6
    for row in found.kept:
        assert row.answer == f"<think>\nOne counts the letters.\n</think>\n\nIt is {len(row.prompt_text)}."
        assert row.source == "teacher"
    assert all(f"It is {prompt.count('q')}." in prompt for prompt in told)


def test_a_strategy_that_needs_a_helper_says_so():
    with pytest.raises(UserError, match="a student or another helper for the strategy invert, got none"):
        corpus("invert", library())


# --- votes of whole texts ------------------------------------------------------------------------------------------


def wordy(replies):
    """One that gives the draws of a question one after the other."""
    drawn = Counter()

    class Wordy:
        name, terms = "wordy", None

        def ask(self, requests):
            for place, request in enumerate(requests):
                turns = request.messages
                yield place, Reply(ReplyOutcome.ANSWERED, replies(turns, drawn[turns]), tokens_in=5, tokens_out=5)
                drawn[turns] += 1

    return Wordy()


@pytest.mark.parametrize("strategy", ["vote", "vote-cold"])
def test_sentences_that_end_in_one_answer_vote_together_and_the_first_of_them_is_kept(strategy):
    said = [
        "Three and six.\nAnswer: 9",
        "3 + 4.\nAnswer: 7",
        "The answer is 9.",
        "One adds.\nAnswer: **7**",
        "It is 7.\nAnswer: 7",
    ]
    teacher = wordy(lambda turns, draw: said[draw])
    found = collect_corpus(teacher, program(strategy), [Seed(id="1", prompt="3 + 4?")], filters=Filters(verify=False))
    assert [sample.answer for sample in found.kept] == ["3 + 4.\nAnswer: 7"]


def test_steps_that_end_in_one_answer_vote_together_where_texts_are_continued():
    world = TextWorld(LanguageWorld.model_validate(SUMS, strict=False))
    right = [False, True, False, True, True]
    asked = Counter()

    def say(prompt, _):
        draw, true = asked[prompt] % VOTES, world.question_of(prompt).answer
        asked[prompt] += 1
        return f" In step {draw}.\nAnswer: {true if right[draw] else 'no idea'}"

    wanted = Wanted("vote", ("rationale",), 3, ("sums",), 50, Surface())
    kept = elicit_by_continuing(world, Scripted(say), wanted, 0).kept
    ends = [f" In step 1.\nAnswer: {world.question_of(sample.prompt_text).answer}" for sample in kept]
    assert [sample.answer for sample in kept] == ends
    assert len(kept) == 3


@pytest.mark.parametrize("strategy", ["label", "vote", "vote-cold"])
def test_questions_with_the_same_last_words_are_told_apart_by_what_was_said_before(strategy):
    seeds = [
        Seed(id=name, prompt="Go on.", context=(SeedTurn(role="user", content=f"Tell me about {name}."),))
        for name in ("iron", "tin", "gold")
    ]
    found = collect_corpus(wordy(lambda turns, _: turns[0].content), program(strategy), seeds)
    assert sorted(sample.seed_ids for sample in found.kept) == [("gold",), ("iron",), ("tin",)]
    assert {sample.answer for sample in found.kept} == {f"Tell me about {seed.id}." for seed in seeds}


@pytest.mark.parametrize("helper", [ReplyOutcome.TRUNCATED, ReplyOutcome.ANSWERED])
@pytest.mark.parametrize("reasoning", ["40 and 2", None])
def test_by_instruction_what_the_teacher_shows_is_kept_as_it_is_and_what_it_says_is_its_own(helper, reasoning):
    class Named:
        def __init__(self, name, reply):
            self.name, self.terms, self.reply, self.asked = name, f"terms of {name}", reply, []

        def ask(self, requests):
            self.asked += requests
            yield from ((place, self.reply) for place in range(len(requests)))

    teacher = Named("teacher", Reply(ReplyOutcome.ANSWERED, "42", reasoning, tokens_in=5, tokens_out=5))
    other = Named("helper", Reply(helper, "One adds.", tokens_in=5, tokens_out=5))
    turn = SeedTurn(role="user", content="In base ten.")
    seeds = [Seed(id="1", prompt="40 + 2?", answer="42", context=(turn,))]
    found = collect_corpus(teacher, program("invert"), seeds, setting=Setting(Surface(reasoning="shown"), other))
    assert len(other.asked) == (reasoning is None)
    assert all(request.messages[0].content == "In base ten." for request in other.asked)
    steps = reasoning or ("One adds." if helper is ReplyOutcome.ANSWERED else None)
    kept = [(row.teacher, row.terms, row.source, row.reasoning) for row in found.kept]
    assert kept == ([("teacher", "terms of teacher", "teacher", steps)] if steps else [])
