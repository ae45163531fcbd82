"""Whoever is asked is asked behind the surface and its budgets, in a study as on the command line."""

import pytest
from tests.worlds.small import small_world

from gauger.cli.teachers import Access, open_teacher
from gauger.elicit.api.pacing import Pace
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request
from gauger.errors import GaugerError
from gauger.jobs import teachers
from gauger.jobs.parameters import Asked
from gauger.jobs.teachers import TeacherPlace, open_asked, shown_top_k
from gauger.spec import Surface
from gauger.train.engine import Completion
from gauger.train.teacher import LocalTeacher


def requests(count, longest=8):
    return [Request((Message("user", f"What is {n} + {n}?"),), longest, seed=n) for n in range(count)]


class Short:
    """Somebody at hand who says 4, in two tokens."""

    name, terms, context, vocabulary = "short", None, 64, {}

    def complete(self, prompts, decoding, seeds, stops):
        return [Completion("4", True, None, 8, 2, (1, 2)) for _ in prompts]

    def encode_prompt(self, prompt):
        return tuple(range(8))

    def merged(self):
        return self

    def ask(self, asked):
        for index, _ in enumerate(asked):
            yield index, Reply(ReplyOutcome.ANSWERED, "4", reasoning="two and two", tokens_in=8, tokens_out=2)


@pytest.fixture
def where(tmp_path, monkeypatch):
    monkeypatch.setattr(teachers, "read_model", lambda *_: Short())
    return TeacherPlace(small_world(), {}, "teacher", tmp_path / "jobs" / "entries" / "x", {})


def at_hand(**surface):
    return Asked(name="teacher", kind="checkpoint", engine="hf", surface=Surface(**surface))


def replayed(folder, **surface):
    list(Journalled(Short(), folder / "replies.jsonl").ask(requests(3)))
    return Asked(name="teacher", kind="replay", settings={"directory": str(folder)}, surface=Surface(**surface))


@pytest.mark.parametrize(("max_tokens", "answers"), [(2000, 174), (300, 4), (263, 0), (264, 1), (None, 200)])
def test_one_budget_of_tokens_allows_as_many_answers_in_a_study_as_on_the_command_line(where, max_tokens, answers):
    """Room is asked for as much as a request could use (8 + 256), and charged for as much as it did (8 + 2)."""
    asked = requests(200, longest=256)
    inside = open_asked(at_hand(max_tokens=max_tokens), where).teacher
    budget = QueryBudget(None, max_tokens, tokens_in=lambda _: 8)
    outside = Limited(LocalTeacher("hf:x", Short(), None, 16), budget)
    assert len(list(inside.ask(asked))) == len(list(outside.ask(asked))) == answers


@pytest.mark.parametrize("limit", [1, 2, None])
def test_a_recorded_teacher_is_held_back_by_its_surface(where, tmp_path, limit):
    inside = open_asked(replayed(tmp_path, max_queries=limit), where).teacher
    outside = open_teacher(f"replay:{tmp_path}", Access(QueryBudget(limit), Pace(1)))
    assert len(list(inside.ask(requests(3)))) == len(list(outside.ask(requests(3)))) == (limit or 3)


@pytest.mark.parametrize(("reasoning", "shown"), [("hidden", None), ("shown", "two and two")])
def test_a_recorded_teacher_shows_what_its_surface_shows(where, tmp_path, reasoning, shown):
    inside = open_asked(replayed(tmp_path, reasoning=reasoning), where).teacher
    assert {reply.reasoning for _, reply in inside.ask(requests(3))} == {shown}


def test_only_a_model_at_hand_shows_log_probabilities_along_a_text(where, tmp_path):
    assert open_asked(at_hand(), where).at_hand
    with pytest.raises(GaugerError, match="only a model at hand"):
        _ = open_asked(replayed(tmp_path), where).at_hand


@pytest.mark.parametrize(
    ("surface", "limits", "shown"),
    [
        ({"log_probabilities": "full"}, (None,), None),
        ({"log_probabilities": "full"}, (None, 9), 9),
        ({"log_probabilities": "top-k", "top_k": 5}, (None, 9), 5),
        ({"log_probabilities": "top-k", "top_k": 5}, (2, 9), 2),
    ],
)
def test_as_many_log_probabilities_are_used_as_everybody_allows(surface, limits, shown):
    assert shown_top_k(Surface(**surface), *limits) == shown


def test_a_surface_that_shows_none_gives_none():
    with pytest.raises(GaugerError, match="shows no log-probabilities"):
        shown_top_k(Surface(), 5)
