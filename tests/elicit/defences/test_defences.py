"""Every defence is one of three kinds, changes nothing at strength 0, and reaches all that leaves a teacher."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elicit.scripted import Scripted
from elicit.teacher.common import question, questions
from gauger.elicit.defences.kinds import GenerationDefence, PolicyDefence, ViewDefence
from gauger.elicit.defences.registry import DEFENCES, defence_of
from gauger.elicit.defences.rounding import rounded_logs
from gauger.elicit.defences.steering import NextTokens
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, TokenChoices
from gauger.elicit.teacher.surfaced import Surfaced, generated, generation_of, require_recorded, shown_logs, shows_logs
from gauger.errors import UserError
from gauger.spec.models import Surface
from gauger.train.losses import SoftLoss

LOGS = (TokenChoices("a", -0.3, (("a", -0.3), ("b", -1.4))), TokenChoices(" b", -2.2, (("c", -0.2), (" b", -2.2))))
WHOLE = Reply(ReplyOutcome.ANSWERED, "a b", reasoning="so a", log_probabilities=LOGS)


STREAM = [question(f"tell me about topic {number}") for number in range(40)]
"""Queries that no honest account would ask one after the other."""


class Says:
    """Answers everything with one reply, and keeps what it was asked."""

    name, terms = "says", None

    def __init__(self, reply=WHOLE):
        self.reply, self.asked = reply, []

    def ask(self, requests):
        self.asked += requests
        yield from ((place, self.reply) for place in range(len(requests)))

    def steered(self, steering):
        """As a model at hand: three texts, of four tokens each the likeliest comes next."""
        chances = np.log(np.array([[0.4, 0.3, 0.2, 0.1]] * 3))
        known = NextTokens(chances, [[1], [2], [3]], proxy_BV=chances[:, ::-1], slope_BV=chances[:, ::-1])
        other = Says(replace(self.reply, text=" ".join("abcd"[best] for best in steering.change(known).argmax(1))))
        other.asked = self.asked
        return other


def behind(teacher, **surface):
    chosen = Surface(log_probabilities="full", reasoning="shown", **surface)
    return Surfaced(generated(teacher, chosen), chosen)


@pytest.mark.parametrize("name", list(DEFENCES))
def test_at_strength_zero_nothing_is_changed_and_above_something_is(name):
    seen, asked = {}, {}
    for strength in (0.0, 1.0):
        teacher = Says()
        seen[strength] = dict(behind(teacher, defence=name, strength=strength).ask(STREAM))
        asked[strength] = teacher.asked
    assert seen[0.0] == dict.fromkeys(range(len(STREAM)), WHOLE)
    assert asked[0.0] == STREAM
    assert seen[1.0] != seen[0.0] or asked[1.0] != asked[0.0]


@pytest.mark.parametrize("name", list(DEFENCES))
def test_a_kind_does_only_what_its_kind_may(name):
    defence, teacher = defence_of(name), Says()
    replies = dict(behind(teacher, defence=name, strength=0.6).ask(questions(5)))
    if isinstance(defence, ViewDefence):
        assert teacher.asked == questions(5), "a view asks what it was asked"
    elif isinstance(defence, PolicyDefence):
        assert all(request in questions(5) for request in teacher.asked)
        assert set(replies) == set(range(5)), "what is not served has a reply that says so"
    else:
        assert isinstance(defence, GenerationDefence)
        assert teacher.asked != questions(5) or replies[0] != dict(behind(Says()).ask(questions(1)))[0]
    assert (generation_of(Surface(defence=name, strength=0.6)) is not None) == isinstance(defence, GenerationDefence)
    assert generation_of(Surface(defence=name, strength=0.0)) is None


def test_a_generation_is_refused_over_recorded_replies():
    require_recorded(Surface(defence="shorten"), "replay:x")
    require_recorded(Surface(defence="heat", strength=0), "replay:x")
    with pytest.raises(UserError, match=r"the generation heat:0\.5"):
        require_recorded(Surface(defence="heat", strength=0.5), "replay:x")


def test_replies_of_a_generation_are_kept_under_what_was_asked_for(tmp_path):
    surface, teacher = Surface(defence="heat", strength=0.25), Scripted(lambda prompt, rng: "four")
    for _ in range(2):
        assert len(dict(Journalled(generated(teacher, surface), tmp_path / "j.jsonl").ask(questions(3)))) == 3
    assert [request.temperature for request in teacher.requests] == [0.5] * 3, "and asked once"
    assert question("x", temperature=1.9).temperature == 1.9


@given(st.floats(0.0, 1.0), st.integers(1, 40), st.integers(1, 7))
def test_a_ration_depends_on_the_stream_alone_and_serves_its_share(strength, count, batch):
    whole, parts = Says(), Says()
    one, other = behind(whole, defence="ration", strength=strength), behind(parts, defence="ration", strength=strength)
    at_once = [reply.outcome for _, reply in sorted(one.ask(questions(count)))]
    in_parts = [
        reply.outcome
        for start in range(0, count, batch)
        for _, reply in sorted(other.ask(questions(count)[start : start + batch]))
    ]
    assert at_once == in_parts
    assert at_once.count(ReplyOutcome.REFUSED) == math.floor(count * strength)
    assert len(whole.asked) == count - math.floor(count * strength), "and nothing is asked for the rest"


ROWS = st.lists(st.lists(st.floats(-12, 0), min_size=1, max_size=5), min_size=1, max_size=4)


@given(ROWS, st.floats(0.01, 1.0))
def test_rounded_log_probabilities_against_a_literal_loop(rows, grid):
    width = min(map(len, rows))
    logs = np.array([row[:width] for row in rows])
    seen = rounded_logs(logs, grid)
    for row, shown in zip(logs.tolist(), seen.tolist(), strict=True):
        rounded = [round(value / grid) * grid for value in row]
        total = sum(math.exp(value) for value in rounded)
        expected = [value - math.log(total) if total > 1 else value for value in rounded]
        assert shown == pytest.approx(expected, abs=1e-9)
        assert sum(map(math.exp, shown)) <= 1 + 1e-9


def test_what_a_defence_shows_of_log_probabilities_along_a_text():
    logs = np.log(np.array([[0.6, 0.3]], dtype=np.float32))
    assert shown_logs(logs, Surface()) is logs
    assert shown_logs(logs, Surface(defence="round", strength=1.0)).tolist() != logs.tolist()
    assert shown_logs(logs, Surface(defence="shorten", strength=0)) is logs
    for name in ("shorten", "heat", "ration"):
        assert not shows_logs(Surface(defence=name, strength=0.5))
        with pytest.raises(UserError, match="says what it shows of log-probabilities"):
            shown_logs(logs, Surface(defence=name, strength=0.5))


@pytest.mark.parametrize("top_k", [2, None])
def test_a_defence_reaches_the_distribution_that_an_on_policy_student_is_moved_to(top_k):
    student, teacher = torch.tensor([[1.0, 0.0, -1.0]]), torch.tensor([[2.0, 0.5, -1.0]])
    plain = SoftLoss("reverse-kl", top_k=top_k)._divergence(student, teacher)
    same = SoftLoss("reverse-kl", top_k=top_k, seen=lambda logs: logs)._divergence(student, teacher)
    coarse = SoftLoss("reverse-kl", top_k=top_k, seen=lambda logs: rounded_logs(logs, 1.0))._divergence(
        student, teacher
    )
    assert same.item() == pytest.approx(plain.item(), abs=1e-5)
    assert abs(coarse.item() - plain.item()) > 1e-3
