"""The reading that forgives the format: the last announcement counts, and only what announces an answer."""

import pytest

from gauger.worlds.items import Question
from gauger.worlds.language.flexible import flexible

SUM = Question("sums", "What is 3 + 12?", "15", "sums:+3+12")
WORD = Question("spell", "Spell cat backward.", "tac", "spell:1")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("To answer this we add 3 and 12, which gives 15.", "15"),
        ("The answer is not 12. Let me redo this.\nThe final answer is 15.", "15"),
        ("The answer is 12. No, the answer is 15.", "15"),
        ("Answer the question: 7 + 8.\nThe answer is 15.", "15"),
        ("Answer: 15 because 3 + 12 = 15, not 16", "15"),
        ("answer = 15, checked", "15"),
        ("#### 1,500", "1500"),
        ("so \\boxed{15} of 20", "15"),
        ("The answer is -15", "-15"),
        ("I count 20-5", "5"),
        ("3 + 12 gives 15. That answer is final.", "15"),
        ("<answer>15</answer> or 16", "15"),
        ("no idea", None),
    ],
)
def test_a_number_is_read_from_the_last_announcement_else_from_the_end(reply: str, expected: str | None) -> None:
    assert flexible(reply, SUM) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("I say tac here", "tac"),
        ("The answer is cta.\nNo: the answer is cat", "cat"),
        ("To answer, reverse it: cta", "To answer, reverse it: cta"),
        (" \n", None),
    ],
)
def test_words_are_found_whole_else_read_from_the_last_announcement(reply: str, expected: str | None) -> None:
    assert flexible(reply, WORD) == expected
