"""Rows that are longer than a model's context: counted, and refused or cut by the declared rule."""

import numpy as np
import polars as pl
import pytest
from tests.train.models import BOTH_ENGINES

from gauger.errors import GaugerError
from gauger.jobs.training import count_by_writer
from gauger.spec import TooLong
from gauger.train.blend import BlendedSources, BlendPart, train_on_blend
from gauger.train.context_limit import without_room
from gauger.train.distil import Practice, distil_on_policy
from gauger.train.engine import Continuation
from gauger.train.loop import Options
from gauger.train.own_pairs import OwnPairs, prefer_theirs
from gauger.train.own_samples import AskedOfStudent
from gauger.train.rewards import Play, one_by_one, train_on_rewards
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
    assert (len(used.length_N), used.left_out, int((used.lost_N > 0).sum())) == (2, (2,), 1)
    assert used.count_N.sum() == 4 * 3
    only = trained(kit, "cut", (SHORT, long_rows(kit.model())[1]))
    assert found.losses == only.losses  # the third row takes nobody's place


@BOTH_ENGINES
def test_who_wrote_the_rows_of_a_blend_is_counted_where_some_are_left_out(kit):
    """A long prompt first, so that a count would stand beside another row's text."""
    model = kit.model()
    fits, loses, teaches_nothing = long_rows(model)
    rows, names = (teaches_nothing, fits, loses, fits), ("teacher", "web", "teacher", "teacher")
    table = pl.DataFrame({"source": names, "id": ["a", "b", "c", "d"]})
    data = BlendedSources((BlendPart(RowSource(rows), 1.0),), 4)
    found = train_on_blend(model, data, kit.schedule(3), Options(too_long="cut"))
    (used,) = found.sources
    assert used.left_out == (0,)
    by_writer = {source["name"]: source for source in count_by_writer([table], found.sources)}
    assert by_writer["web"]["rows"] == used.count_N[0]
    assert by_writer["teacher"]["rows"] == used.count_N[1] + used.count_N[2]
    assert by_writer["teacher"]["cut_rows"] == by_writer["teacher"]["left_out_rows"] == 1
    assert by_writer["teacher"]["cut_tokens"] == used.lost_N[1]
    assert "cut_rows" not in by_writer["web"]


def practised(kit, rule, prompts):
    """Train by every stage in which the student writes; returns the losses of each, or what it was refused with."""
    asked = AskedOfStudent(tuple(prompts), Continuation(2, temperature=1.0))
    play = Play(asked, one_by_one(lambda _, answer: float(len(answer.ids) > 1)), 2, 4)
    pairs = OwnPairs(asked, ["b"] * len(prompts), lambda _, answer: f"{answer.text} c", lambda *_: False, 2)
    options, schedule = Options(too_long=rule), kit.schedule(2)
    yield lambda: train_on_rewards(kit.model(), play, schedule, options)
    yield lambda: distil_on_policy(kit.model(), kit.model(3), Practice(asked, 2), schedule, options)
    yield lambda: prefer_theirs(kit.model(), pairs, schedule, options)


@BOTH_ENGINES
def test_prompts_that_leave_no_room_for_an_answer_are_refused_or_counted(kit):
    model = kit.model()
    prompts = ["a", long_rows(model)[2].prompt]
    for train in practised(kit, "refuse", prompts):
        with pytest.raises(GaugerError, match=rf"less than {model.context} tokens.* got 1 of 2 that are longer"):
            train()
    assert all(train().losses for train in practised(kit, "refuse", prompts[:1]))
    assert without_room(model, prompts, "cut") == 1
    with pytest.raises(GaugerError, match="got 1 of 1"):
        without_room(model, prompts[1:], "cut")


@BOTH_ENGINES
def test_text_that_is_kept_in_beside_own_answers_is_held_to_the_context_too(kit):
    asked = AskedOfStudent(("a",), Continuation(2, temperature=1.0))
    practice = Practice(asked, 2, Mixture((RowSource(long_rows(kit.model())),), (1,)))
    with pytest.raises(GaugerError, match="got 2 of 3"):
        distil_on_policy(kit.model(), kit.model(3), practice, kit.schedule(1), Options(too_long="refuse"))
