"""Wrong steps or answers in a share of the replies: the other of the two stays, and as many replies as stated."""

import pytest

from gauger.elicit.defences.wrong import wrong_answers, wrong_steps
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, TokenChoices


def thinks(reasoning, text="'c"):
    return Reply(ReplyOutcome.ANSWERED, text, reasoning=reasoning)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_so_many_replies_have_other_steps_and_all_have_their_answer(share):
    whole = [thinks(f"'a 'b 'c {number}") for number in range(1000)]
    shown = [wrong_steps(reply, share) for reply in whole]
    changed = sum(one.reasoning != other.reasoning for one, other in zip(whole, shown, strict=True))
    assert changed / 1000 == pytest.approx(share, abs=4 * (0.25 / 1000) ** 0.5 if 0 < share < 1 else 0)
    assert {one.text for one in shown} == {"'c"}
    assert shown == [wrong_steps(reply, share) for reply in whole]


def test_steps_are_moved_whole_and_digits_become_others():
    (shown,) = {wrong_steps(thinks("1 + 2 = 3.\n3 * 4 = 12.\nSo 12."), 1.0).reasoning}
    steps = shown.split("\n")
    assert len(steps) == 3
    assert [sum(letter.isdigit() for letter in step) for step in steps] != [3, 4, 2]
    assert sorted(sum(letter.isdigit() for letter in step) for step in steps) == [2, 3, 4]
    assert "1 + 2 = 3." not in steps


def test_a_name_with_digits_stays_and_the_numbers_around_it_change():
    """M889 may be no word that anybody knows: a student of a world of words cannot even read it."""
    shown = wrong_steps(thinks("M888 x1 3x 12.5 'a"), 1.0).reasoning.split()
    assert {"M888", "x1", "'a"} < set(shown)
    assert not {"3x", "12.5"} & set(shown)
    assert sorted(len(word) for word in shown) == [2, 2, 2, 4, 4]
    assert wrong_answers(thinks(None, "It is M888"), 1.0).text == "It is is"
    changed = wrong_answers(thinks(None, "M888 is 12"), 1.0).text
    assert changed.startswith("M888 is ")
    assert changed != "M888 is 12"


@pytest.mark.parametrize("reasoning", [None, "", "'a"])
def test_where_there_is_nothing_to_move_nothing_is_changed(reasoning):
    assert wrong_steps(thinks(reasoning), 1.0).reasoning == reasoning


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_so_many_replies_have_another_answer_and_all_have_their_steps(share):
    whole = [thinks(f"{number} 'a 'b") for number in range(1000)]
    shown = [wrong_answers(reply, share) for reply in whole]
    changed = sum(one.text != other.text for one, other in zip(whole, shown, strict=True))
    assert changed / 1000 == pytest.approx(share, abs=4 * (0.25 / 1000) ** 0.5 if 0 < share < 1 else 0)
    assert [reply.reasoning for reply in shown] == [reply.reasoning for reply in whole]
    assert shown == [wrong_answers(reply, share) for reply in whole]


@pytest.mark.parametrize(
    ("reasoning", "answer", "shown"),
    [
        ("'a 'b 'c", "'c", "'b"),  # the last step before: the answer itself stands among the steps
        ("'a 'b 'd", " 'c ", " 'd "),  # the space around it stays
        (None, "a red fox", "a red red"),
        (None, "fox", "fox"),
        ("fox", "fox", "fox"),
        (None, "", ""),
    ],
)
def test_an_answer_without_digits_stops_short_of_where_its_steps_led(reasoning, answer, shown):
    assert wrong_answers(thinks(reasoning, answer), 1.0).text == shown


def test_every_digit_of_an_answer_becomes_another_one_and_its_log_probabilities_are_gone():
    logs = (TokenChoices("20", -0.1, ()), TokenChoices("7", -0.1, ()))
    reply = Reply(ReplyOutcome.ANSWERED, "It is 207.", log_probabilities=logs)
    shown = wrong_answers(reply, 1.0)
    assert (shown.text[:6], shown.text[9:]) == ("It is ", ".")
    assert all(one != other for one, other in zip(shown.text[6:9], "207", strict=True))
    assert shown.log_probabilities == ()
    assert wrong_answers(reply, 0.0) is reply
