"""Reasoning hidden in a share of the replies, and summarised: what is left, and what it goes with."""

import pytest

from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.defences.reasoning import hidden, summarised
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, TokenChoices
from gauger.elicit.teacher.surfaced import require_needs
from gauger.errors import UserError
from gauger.spec.models import Surface

LOGS = tuple(TokenChoices(token, -0.1) for token in ("one", " two", "a", "n", "s"))
WHOLE = Reply(ReplyOutcome.ANSWERED, "ans", reasoning="one two", log_probabilities=LOGS)


def thinks(reasoning):
    return Reply(ReplyOutcome.ANSWERED, "ans", reasoning=reasoning)


def test_numbers_drawn_by_texts_are_uniform_and_apart_for_each_purpose():
    drawn = [share_of_text(f"text {number}") for number in range(4000)]
    assert all(0 <= number < 1 for number in drawn)
    for share in (0.1, 0.5, 0.9):  # a binomial share of 4000 lies within 4 standard errors
        assert sum(number < share for number in drawn) / 4000 == pytest.approx(share, abs=4 * (0.25 / 4000) ** 0.5)
    assert share_of_text("a", "b") != share_of_text("a", "c") != share_of_text("a")


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_replies_loses_its_reasoning_and_always_the_same_ones(share):
    replies = [thinks(f"step {number}") for number in range(1000)]
    left = [hidden(reply, share).reasoning for reply in replies]
    assert left == [hidden(reply, share).reasoning for reply in replies]
    assert left.count(None) / 1000 == pytest.approx(share, abs=4 * (0.25 / 1000) ** 0.5 if 0 < share < 1 else 0)
    stronger = [hidden(reply, min(1.0, share + 0.2)).reasoning for reply in replies]
    assert all(after is None for before, after in zip(left, stronger, strict=True) if before is None)


@pytest.mark.parametrize(
    ("reasoning", "strength", "left"),
    [
        ("'a 'b 'c 'd", 0.0, "'a 'b 'c 'd"),
        ("'a 'b 'c 'd", 0.5, "'b 'd"),
        ("'a 'b 'c 'd", 0.75, "'d"),
        ("'a 'b 'c 'd", 1.0, None),
        ("first\n\nsecond\nthird", 0.34, "first\nthird"),
        ("It is one. It is two. So three!", 0.67, "So three!"),
        ("", 1.0, ""),
        (None, 0.5, None),
    ],
)
def test_a_summary_keeps_whole_steps_and_the_last_one_longest(reasoning, strength, left):
    assert summarised(thinks(reasoning), strength).reasoning == left


@pytest.mark.parametrize("change", [hidden, summarised])
def test_what_is_cut_takes_its_log_probabilities_along_and_the_answer_stays(change):
    cut = change(WHOLE, 1.0)
    assert (cut.text, cut.reasoning, cut.log_probabilities) == ("ans", None, LOGS[2:])
    assert change(WHOLE, 0.0) is WHOLE
    assert change(thinks(None), 1.0) == thinks(None)


@pytest.mark.parametrize("name", ["hide-reasoning", "summarise"])
def test_they_are_refused_where_no_reasoning_is_shown(name):
    require_needs(Surface(defence=name, reasoning="shown"), "it", at_hand=False)
    require_needs(Surface(defence=name, strength=0.0), "it", at_hand=False)
    with pytest.raises(UserError, match=f"reasoning that the surface shows, for the defence {name}"):
        require_needs(Surface(defence=name), "it", at_hand=True)
