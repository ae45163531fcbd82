"""Measuring: one row per item, a score only where there is an answer to compare."""

import polars as pl
import pytest

from elicit.scripted import Scripted
from gauger.measure.exact_match import SCHEMA, measure
from gauger.records import Outcome
from gauger.worlds.benchmarks import Benchmark, Item
from worlds.small import small_world


def item(name, prompt, answer):
    return Item(name, f"cluster of {name}", tuple(prompt.split()), tuple(answer.split()), 0.0)


ONE = Benchmark("one", "sort", "quiz", "", (item("1", "p1", "a"), item("2", "p2", "a b"), item("3", "p3", "a b c")))
TWO = Benchmark("two", "max", "quiz", "", (item("1", "p4", "b"),))


def says(**answers):
    return Scripted(lambda prompt, rng: answers.get(prompt[0], "").split())


def rows_of(teacher, benchmarks=(ONE,), max_new_tokens=4):
    return measure(teacher, benchmarks, max_new_tokens).to_dicts()


def test_one_row_per_item_of_every_benchmark_in_order():
    found = measure(says(p1="a", p2="a b", p3="a b c", p4="b"), [ONE, TWO], 4)
    assert found.schema == pl.Schema(SCHEMA)
    assert found.select("benchmark", "item", "cluster", "sample").rows() == [
        ("one", "1", "cluster of 1", 0),
        ("one", "2", "cluster of 2", 0),
        ("one", "3", "cluster of 3", 0),
        ("two", "1", "cluster of 1", 0),
    ]
    assert found["score"].to_list() == [1.0] * 4
    assert found["outcome"].to_list() == ["scored"] * 4


@pytest.mark.parametrize("said", ["b", "a a", "", "b a"])
def test_an_answer_is_right_only_where_it_equals_the_right_one_word_by_word(said):
    row = rows_of(says(p1=said))[0]
    assert (row["outcome"], row["score"]) == ("scored", 0.0)


def test_the_order_of_the_words_counts():
    assert [row["score"] for row in rows_of(says(p1="a", p2="b a", p3="a b"))] == [1.0, 0.0, 0.0]


def test_an_answer_that_never_ends_has_no_score():
    """Four tokens leave room for `a b c` and its end: who writes on rambles."""
    rows = rows_of(says(p1="a x x x x", p2="a b x x", p3="a b c d e"))
    assert [row["outcome"] for row in rows] == ["unparsed"] * 3
    assert [row["score"] for row in rows] == [None] * 3


def test_where_the_limit_leaves_no_room_the_limit_is_to_blame():
    rows = rows_of(says(p1="a", p2="a b", p3="a b c"), max_new_tokens=2)
    assert [row["outcome"] for row in rows] == ["scored", "truncated", "truncated"]
    assert [row["score"] for row in rows] == [1.0, None, None]
    rows = rows_of(says(p1="a", p2="a b", p3="a b c"), max_new_tokens=3)
    assert [row["outcome"] for row in rows] == ["scored", "scored", "truncated"]


def test_a_wrong_answer_that_ends_in_time_is_scored_even_where_the_right_one_would_not_fit():
    row = rows_of(says(p3="z"), max_new_tokens=2)[2]
    assert (row["outcome"], row["score"]) == ("scored", 0.0)


def test_tokens_are_those_of_the_model():
    row = rows_of(says(p2="a b"))[1]
    assert (row["tokens_in"], row["tokens_out"]) == (1 + 1, 2 + 1)


def test_the_model_is_asked_greedily():
    teacher = says()
    measure(teacher, [ONE], 5)
    assert {(request.temperature, request.max_new_tokens, request.stops) for _, request in teacher.requests} == {
        (0.0, 5, frozenset())
    }


def test_no_benchmarks_are_no_rows_in_the_same_columns():
    assert measure(says(), [], 4).schema == pl.Schema(SCHEMA)


def test_outcomes_are_those_of_the_records():
    assert {"scored", "unparsed", "truncated"} <= {str(outcome) for outcome in Outcome}


@pytest.mark.parametrize("name", ["fauna-quiz", "sort-cloze", "middle-quiz-new"])
def test_who_knows_the_answers_of_a_world_scores_one_everywhere(name):
    benchmark = small_world().benchmark(name)
    answers = {item.prompt: item.answer for item in benchmark.items}
    found = measure(Scripted(lambda prompt, rng: answers[prompt]), [benchmark], 8)
    assert found["score"].to_list() == [1.0] * len(benchmark.items)
    assert found["item"].to_list() == [item.id for item in benchmark.items]
    assert found["cluster"].to_list() == [item.cluster for item in benchmark.items]
