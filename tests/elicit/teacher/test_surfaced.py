"""A surface shows no more than it is set to, whoever is behind it, and its budgets are kept by one rule."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elicit.scripted import Scripted, by_words
from elicit.teacher.common import question, questions
from gauger.elicit.defences.ration import rationed
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request, TokenChoices
from gauger.elicit.teacher.replay import Replay
from gauger.elicit.teacher.surfaced import Surfaced, shown, words_for
from gauger.spec.models import Surface

LOGS = tuple(TokenChoices(t, -0.1, tuple((f"{t}{n}", -0.1 * (n + 1)) for n in range(5))) for t in ("a", " b"))
WHOLE = Reply(ReplyOutcome.ANSWERED, "a b", "because", 3, 9, tokens_reasoning=7, log_probabilities=LOGS)


@pytest.mark.parametrize(("setting", "expected"), [("hidden", None), ("shown", "because")])
def test_hidden_reasoning_is_not_seen(setting, expected):
    assert shown(WHOLE, Surface(reasoning=setting)).reasoning == expected
    assert shown(replace(WHOLE, reasoning=None), Surface(reasoning=setting)).reasoning is None


@pytest.mark.parametrize(
    ("settings", "alternatives"),
    [
        ({"log_probabilities": "none"}, None),
        ({"log_probabilities": "top-k", "top_k": 1}, 1),
        ({"log_probabilities": "top-k", "top_k": 3}, 3),
        ({"log_probabilities": "top-k", "top_k": 50}, 5),
        ({"log_probabilities": "full"}, 5),
    ],
)
def test_no_more_log_probabilities_are_seen_than_the_surface_shows(settings, alternatives):
    seen = shown(WHOLE, Surface(**settings)).log_probabilities
    if alternatives is None:
        assert seen == ()
        return
    assert [(one.token, one.log_probability) for one in seen] == [(one.token, one.log_probability) for one in LOGS]
    assert [one.alternatives for one in seen] == [one.alternatives[:alternatives] for one in LOGS], "the most likely"


@given(
    st.sampled_from(["hidden", "shown"]),
    st.sampled_from(
        [{"log_probabilities": "none"}, {"log_probabilities": "full"}, {"log_probabilities": "top-k", "top_k": 2}]
    ),
)
def test_what_a_surface_hides_changes_nothing_else(reasoning, logs):
    seen = shown(WHOLE, Surface(reasoning=reasoning, **logs))
    assert replace(seen, reasoning=WHOLE.reasoning, log_probabilities=WHOLE.log_probabilities) == WHOLE
    assert shown(seen, Surface(reasoning=reasoning, **logs)) == seen


@pytest.mark.parametrize(("strength", "text"), [(0.0, "a b c d"), (0.25, "a b c"), (0.5, "a b"), (1.0, "")])
def test_a_defence_changes_what_is_shown_at_its_strength_and_not_what_it_cost(strength, text):
    whole = replace(WHOLE, text="a b c d")
    seen = shown(whole, Surface(defence="shorten", strength=strength, log_probabilities="full", reasoning="shown"))
    assert seen.text == text
    assert seen.outcome is ReplyOutcome.ANSWERED, "who buys it does not see that it was cut, and learns it"
    assert (seen.log_probabilities == ()) == (strength > 0), "they would show the words that are cut"
    assert replace(seen, text=whole.text, outcome=whole.outcome, log_probabilities=LOGS) == whole
    assert shown(whole, Surface(reasoning="shown", log_probabilities="full")) == whole


def test_every_teacher_is_behind_its_surface_a_recorded_one_too(tmp_path):
    class Open:
        name, terms = "open", "mine"

        def ask(self, requests):
            for place, _ in enumerate(requests):
                yield place, WHOLE

    list(Journalled(Open(), tmp_path / "replies.jsonl").ask(questions(2)))
    hidden = Surface(reasoning="hidden", log_probabilities="none")
    for teacher in (Open(), Replay(tmp_path, "mine"), Limited(Open(), QueryBudget())):
        behind = Surfaced(teacher, hidden)
        assert (behind.name, behind.terms) == (teacher.name, "mine")
        replies = dict(behind.ask(questions(2)))
        assert sorted(replies) == [0, 1]
        assert {(reply.text, reply.reasoning, reply.log_probabilities) for reply in replies.values()} == {
            ("a b", None, ())
        }


def test_a_surface_names_what_it_shows():
    assert words_for(Surface()) == "text"
    assert words_for(Surface(reasoning="shown")) == "text and reasoning"
    assert words_for(Surface(log_probabilities="top-k", top_k=5)) == "text, top-5 log-probabilities"
    assert words_for(Surface(defence="shorten", strength=0.5)) == "text, shorten 0.5"
    assert words_for(Surface(reasoning="shown", log_probabilities="full")) == "text and reasoning, log-probabilities"


BUDGET = st.one_of(st.none(), st.integers(1, 60))
BATCHES = st.lists(st.tuples(st.lists(st.integers(1, 6), max_size=12), st.integers(1, 9)), min_size=1, max_size=6)


def talker(prompt, rng):
    """Say between nothing and more than is allowed."""
    return " ".join(["word"] * int(rng.integers(0, 12)))


def asked(lengths, max_tokens, seed=0):
    return [
        question(" ".join(["p"] * length), max_tokens=max_tokens, seed=seed + n) for n, length in enumerate(lengths)
    ]


@given(BUDGET, BUDGET, BATCHES)
def test_no_budget_is_ever_exceeded_and_what_is_left_unanswered_would_not_have_fitted(max_queries, max_tokens, batches):
    teacher, budget = Scripted(talker), QueryBudget(max_queries, max_tokens, tokens_in=by_words)
    limited = Limited(teacher, budget)
    for number, (lengths, longest) in enumerate(batches):
        requests = asked(lengths, longest, seed=100 * number)
        replies = dict(limited.ask(requests))
        spent = budget.spent
        assert len(teacher.requests) == spent.queries <= (max_queries or 10**9)
        assert spent.tokens_in + spent.tokens_out <= (max_tokens or 10**9)
        assert sorted(replies) == list(range(len(replies))), "what is answered are the first"
        if len(replies) < len(requests):
            most = by_words(requests[len(replies)]) + longest
            too_many = max_queries is not None and spent.queries + 1 > max_queries
            assert too_many or (max_tokens is not None and spent.tokens_in + spent.tokens_out + most > max_tokens)
            assert budget.exhausted


def test_spending_is_the_sum_of_the_replies():
    budget = QueryBudget(tokens_in=by_words)
    replies = dict(Limited(Scripted(talker), budget).ask(asked([3, 1, 5], 6, seed=4)))
    assert budget.spent.queries == len(replies) == 3
    assert budget.spent.tokens_in == 4 + 2 + 6
    assert budget.spent.tokens_out == sum(reply.tokens_out for reply in replies.values())
    assert not budget.exhausted


def test_the_teacher_is_not_even_called_when_nothing_fits():
    teacher, budget = Scripted(talker), QueryBudget(max_tokens=5, tokens_in=by_words)
    assert list(Limited(teacher, budget).ask(asked([4], 1))) == []
    assert budget.exhausted
    assert teacher.requests == []


def test_nothing_asked_is_no_exhaustion():
    budget = QueryBudget(max_queries=1)
    assert list(Limited(Scripted(talker), budget).ask([])) == []
    assert not budget.exhausted


def test_a_recording_is_held_back_by_its_budget_as_the_teacher_was(tmp_path):
    list(Journalled(Scripted(talker), tmp_path / "replies.jsonl").ask(questions(3)))
    replies = dict(Limited(Replay(tmp_path), QueryBudget(max_queries=1)).ask(questions(3)))
    assert list(replies) == [0]


def test_tokens_set_aside_and_not_used_are_asked_for_again():
    """Answers may take 256 tokens and take 2: 2000 tokens answer 100 requests, not the 7 that fit at the most."""
    teacher = Scripted(lambda prompt, rng: "4")
    requests = asked([6] * 100, 256)
    limited = Limited(teacher, QueryBudget(max_tokens=2000, tokens_in=by_words))
    assert len(dict(limited.ask(requests))) == 100
    assert limited.budget.spent.tokens_in + limited.budget.spent.tokens_out == 100 * (7 + 2)


def test_a_budget_that_learns_to_count_answers_as_one_that_always_could():
    """A command line opens its budget before its teacher, a study after it: the same requests are answered."""
    requests, answered = asked([6] * 100, 64), []
    for budget in (QueryBudget(max_tokens=500, tokens_in=by_words), QueryBudget(max_tokens=500).counting(by_words)):
        answered.append(sorted(dict(Limited(Scripted(lambda prompt, rng: "4"), budget).ask(requests))))
    by_bytes = dict(Limited(Scripted(lambda prompt, rng: "4"), QueryBudget(max_tokens=500)).ask(requests))
    assert answered[0] == answered[1]
    assert len(by_bytes) < len(answered[0]), "a bound on the bytes leaves more of the budget unused"


@pytest.mark.parametrize("accounts", [1, 2, 5])
@pytest.mark.parametrize("batch", [1, 3, 40])
def test_a_policy_knows_each_account_by_itself_and_requests_come_from_them_in_turn(accounts, batch):
    """Beside it by hand: the stream is dealt out, and each account has a policy of its own."""
    stream, surface = questions(40), Surface(defence="ration", strength=0.5, accounts=accounts)
    teacher = Surfaced(Scripted(lambda prompt, rng: "yes"), surface)
    served = []
    for first in range(0, len(stream), batch):
        replies = dict(teacher.ask(stream[first : first + batch]))
        served += [replies[place].outcome is ReplyOutcome.ANSWERED for place in sorted(replies)]
    alone = [rationed(0.5) for _ in range(accounts)]
    assert served == [isinstance(alone[i % accounts](one), Request) for i, one in enumerate(stream)]


def test_who_splits_his_queries_is_flagged_later():
    """What a monitor refuses of one stream, and of the same stream from many accounts of fewer than 25 queries."""
    stream = [question(f"Sort the letters x k {n}") for n in range(400)]

    def refused(accounts: int) -> int:
        surface = Surface(defence="refuse-flagged", strength=1.0, accounts=accounts)
        replies = dict(Surfaced(Scripted(lambda prompt, rng: "yes"), surface).ask(stream))
        return sum(reply.outcome is ReplyOutcome.REFUSED for reply in replies.values())

    assert refused(1) > refused(4) > refused(20) == 0
