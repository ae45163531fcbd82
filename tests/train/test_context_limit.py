"""Rows that are longer than a model's context: counted, and refused or cut by the declared rule."""

import numpy as np
import pytest
from tests.train.models import BOTH_ENGINES

from gauger.errors import GaugerError
from gauger.spec import TooLong
from gauger.train.loop import Options
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.text import train_on_text

SHORT = TrainingRow("a", "b")


def long_rows(model):
    """One row that fits, one that loses its end, one whose prompt fills the context."""
    words = " ".join(["a"] * model.context)
    return (SHORT, TrainingRow("a", f" {words}"), TrainingRow(words, " b"))


def trained(kit, too_long: TooLong, rows=None):
    model = kit.model()
    data = Mixture((RowSource(rows or long_rows(model)),), (3,))
    return train_on_text(model, data, kit.schedule(4), Options(too_long=too_long))


@BOTH_ENGINES
def test_every_row_says_what_it_lost(kit):
    model = kit.model()
    rows = long_rows(model)
    whole = [len(model.encode_prompt(row.prompt)) + len(model.encode_prompt(row.completion)) for row in rows]
    made = model.encode(rows)
    assert made.lost_N[0] == 0
    assert (made.length_N[1:] == model.context).all()
    # a begin mark twice in what is counted here, an end mark in the row: at most one token apart
    assert np.abs(made.length_N + made.lost_N - whole).max() <= 1


@BOTH_ENGINES
def test_by_refuse_the_message_says_how_many_and_how_long(kit):
    with pytest.raises(GaugerError, match=rf"at most {kit.model().context} tokens were expected, got 2 of 3") as error:
        trained(kit, "refuse")
    for told in ("student.too_long: cut", "teacher.answer_tokens", "trained from scratch holds its world's longest"):
        assert told in str(error.value)
    assert trained(kit, "refuse", (SHORT,)).losses  # rows that fit are no reason


@BOTH_ENGINES
def test_by_cut_rows_that_teach_nothing_are_left_out_and_counted(kit):
    found = trained(kit, "cut")
    (used,) = found.sources
    assert (len(used.length_N), used.left_out, int((used.lost_N > 0).sum())) == (2, 1, 1)
    assert used.count_N.sum() == 4 * 3
    only = trained(kit, "cut", (SHORT, long_rows(kit.model())[1]))
    assert found.losses == only.losses  # the third row takes nobody's place
