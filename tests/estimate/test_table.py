"""A table that contradicts itself is refused with row, value and nearest name; gaps in its columns are filled in."""

import polars as pl
import pytest

from gauger.errors import InputError
from gauger.estimate.design import Design
from gauger.estimate.table import complete_table

from .studies import arm

DESIGN = Design((arm("distilled", "distilled"), arm("matched", "matched")))


def rows(**columns):
    plain = {"arm": ["distilled", "matched"], "benchmark": ["quiz", "quiz"], "item": ["1", "1"], "score": [1.0, 0.5]}
    return pl.DataFrame({**plain, **columns}, strict=False)


def test_missing_columns_take_their_defaults():
    table = complete_table(rows(), DESIGN)
    assert table["replicate"].to_list() == [0, 0]
    assert table["sample"].to_list() == [0, 0]
    assert table["outcome"].to_list() == ["scored", "scored"]
    assert table["counted"].to_list() == [True, True]
    assert table["cluster"].null_count() == 2


def test_whole_number_items_and_boolean_scores_are_cast():
    table = complete_table(rows(item=[1, 2], score=[True, False]), DESIGN)
    assert table["item"].to_list() == ["1", "2"]
    assert table["score"].to_list() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"arm": ["distilled", None]}, "no NULL in column 'arm'"),
        ({"item": [None, "1"]}, "no NULL in column 'item'"),
        ({"arm": ["distilld", "matched"]}, "Did you mean 'distilled'"),
        ({"outcome": ["scored", "refusd"], "score": [1.0, None]}, "Did you mean 'refused'"),
        ({"score": [1.0, None]}, "a score in every scored row"),
        ({"outcome": ["scored", "refused"]}, "no score in a row that was not scored"),
        ({"score": [1.0, 1.3]}, "a score between 0 and 1"),
        ({"score": [1.0, -0.1]}, "a score between 0 and 1"),
        ({"score": [1.0, float("nan")]}, "a score between 0 and 1"),
        ({"score": [1.0, float("inf")]}, "a score between 0 and 1"),
        ({"score": ["one", "0.5"]}, "types of the contract"),
        ({"replicate": ["a", "b"]}, "types of the contract"),
    ],
)
def test_contradictions_are_refused(columns, said):
    with pytest.raises(InputError, match=said):
        complete_table(rows(**columns), DESIGN)


def test_the_offending_row_is_named():
    with pytest.raises(InputError, match=r"^line 2: .*'matched'.*score 1\.3"):
        complete_table(rows(score=[1.0, 1.3]), DESIGN)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="a column 'score'"):
        complete_table(rows().drop("score"), DESIGN)


@pytest.mark.parametrize("score", [None, 0.0])
def test_unparsed_counts_as_wrong_only_where_the_study_says_so(score):
    records = rows(outcome=["scored", "unparsed"], score=[1.0, score])
    wrong = complete_table(records, Design(DESIGN.arms, unparsed_wrong=True))
    assert wrong["score"].to_list() == [1.0, 0.0]
    assert wrong["counted"].to_list() == [True, True]
    if score is None:
        assert complete_table(records, DESIGN)["counted"].to_list() == [True, False]
    else:
        with pytest.raises(InputError, match="no score in a row"):
            complete_table(records, DESIGN)
