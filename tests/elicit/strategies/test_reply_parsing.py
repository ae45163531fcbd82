"""What is read out of a teacher's replies."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.elicit.strategies.reply_parsing import final_answer, list_items, ranking

MARKED = re.compile(r"^\W*((problem|question|exercise|task)\s+)?\d|^\s*[-*•#>_`\[]", re.IGNORECASE)
LETTERS = st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"))
LINE = (
    st.text(LETTERS, max_size=12).map(str.strip).map(lambda line: f"x {line}" if MARKED.search(line) else line or "x")
)
ITEM = st.lists(LINE, min_size=1, max_size=3).map("\n".join)


@pytest.mark.parametrize(
    "text",
    [
        "1. one\n2. two\n3. three",
        "Sure, here they are:\n\n1) one\n2) two\n3) three\n",
        "**1.** one\n\n**2.** two\n\n**3.** three",
        "**1. one**\n**2. two**\n**3. three**",
        "Problem 1: one\nProblem 2: two\nProblem 3: three",
        "### Problem 1.\none\n### Problem 2.\ntwo\n### Problem 3.\nthree",
        "0. one\n1. two\n2. three",
        '["one", "two", " three "]',
        "- one\n- two\n- three",
        "* one\n* two\n* three",
        "```\n1. one\n2. two\n3. three\n```",
        "1. **one**\n2. **two**\n3. **three**",
        "1. one\n2. two\n3.\n4. three",
    ],
)
def test_lists_as_models_write_them(text):
    assert list_items(text) == ["one", "two", "three"]


def test_an_item_may_have_several_lines_and_numbers_of_its_own():
    text = "1. Given:\n7. not an item\n2 apples\n\nHow many?\n2. Next\n- with\n- bullets\n4. not the third"
    assert list_items(text) == [
        "Given:\n7. not an item\n2 apples\n\nHow many?",
        "Next\n- with\n- bullets\n4. not the third",
    ]


@pytest.mark.parametrize(
    "text", ["", "No list here.", "2. starts late", "[1, 2]", "[not json", "1.5 kg of apples", "12:30 is noon"]
)
def test_what_is_no_list_has_no_items(text):
    assert list_items(text) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ITEM, min_size=1, max_size=9))
def test_a_numbered_list_is_read_as_it_was_written(items):
    assert list_items("\n".join(f"{n}. {item}" for n, item in enumerate(items, 1))) == items


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_gives_items_that_stand_in_it(text):
    for item in list_items(text):
        assert item
        assert item == item.strip()


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("Because.\nRanking: 2, 1, 3", (1, 0, 2)),
        ("**Ranking:** 3 > 1 > 2", (2, 0, 1)),
        ("Ranking: 1, 2, 3\nNo.\nRanking: 3, 2, 1\n", (2, 1, 0)),
        ("ranking - 1; 3; 2.", (0, 2, 1)),
        ("Ranking: 1, 2", None),
        ("Ranking: 1, 2, 2", None),
        ("Ranking: 1, 2, 4", None),
        ("Ranking: 1, 2, 3, 3", None),
        ("I rank 1, 2, 3", None),
        ("", None),
    ],
)
def test_rankings(text, order):
    assert ranking(text, 3) == order


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(6)), st.text())
def test_any_ranking_is_read_back(order, before):
    assert ranking(f"{before}\nRanking: {', '.join(str(place + 1) for place in order)}", 6) == tuple(order)


@settings(max_examples=60, deadline=None)
@given(st.text(), st.integers(1, 5))
def test_any_text_gives_an_order_or_none(text, count):
    found = ranking(text, count)
    assert found is None or sorted(found) == list(range(count))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("4", "4"),
        ("2 + 2 = 4\nAnswer: 4", "4"),
        ("**Answer:** 4", "4"),
        ("The final answer is: **4**", "4"),
        ("Answer: 3\nNo.\nAnswer: 4", "4"),
        ("so #### is\n#### 4", "4"),
        ("<answer> 4 </answer> done", "4"),
        (r"thus \boxed{4}.", "4"),
        (r"thus $\boxed{\frac{1}{2}}$", r"\frac{1}{2}"),
        (r"Answer: $\boxed{4}$", "4"),
        (r"\boxed{4", "4"),
        ("It is four.", "It is four."),
        (r"\boxed{3}" + "\nAnswer: 4", "4"),
    ],
)
def test_final_answers(text, answer):
    assert final_answer(text) == answer


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_has_a_final_answer(text):
    assert final_answer(text) == final_answer(text).strip()
