"""Rewards over HTTP: who may ask, what is graded, and which answers count after a kill."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from gauger.errors import GaugerError
from gauger.train.external.reward_server import MOST_BYTES, TOKEN, URL, RewardedAnswer, RewardServer

ASKED = {"step": 0, "id": [1, 0], "answer": ["right", "wrong"], "ended": [True, False]}


def grade(place, text, ended):
    if text == "broken":
        raise GaugerError("the verifier broke")
    return {"right": 1.0, "held out": None}.get(text, 0.0)


@pytest.fixture
def server(tmp_path):
    with RewardServer(grade, 3, tmp_path / "rewards.jsonl") as running:
        running.begin()
        yield running


def post(server, value, **headers):
    place = urlsplit(server.environment[URL])
    line = HTTPConnection(place.hostname, place.port, timeout=10)
    given = {"Authorization": f"Bearer {server.environment[TOKEN]}"} | headers
    line.request("POST", headers.pop("path", place.path), value if isinstance(value, str) else json.dumps(value), given)
    response = line.getresponse()
    told = response.status, json.load(response)
    line.close()
    return told


def texts(server):
    return [(answer.step, answer.text) for answer in server.answers]


def test_answers_are_graded_and_kept(server):
    assert post(server, ASKED) == (200, {"reward": [1.0, 0.0]})
    assert post(server, ASKED | {"answer": ["held out", "x"]}) == (200, {"reward": [None, 0.0]})
    assert [(answer.place, answer.ended, answer.reward) for answer in server.answers[:2]] == [
        (1, True, 1.0),
        (0, False, 0.0),
    ]
    assert post(server, {"step": None, "id": [], "answer": [], "ended": []}) == (200, {"reward": []})


def test_only_this_machine_and_only_with_the_token(server):
    assert urlsplit(server.environment[URL]).hostname == "127.0.0.1"
    assert len(server.environment[TOKEN]) > 40
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": server.token}):
        assert post(server, ASKED, **headers)[0] == 401
    assert post(server, ASKED, Authorization="Bearer \xe9")[0] == 401
    assert server.answers == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": [1]}, "lists of one length"),
        ({"id": "ab"}, "lists of one length"),
        ({"id": [1, 3]}, "an id below 3"),
        ({"id": [1, True]}, "an id below 3"),
        ({"answer": ["right", 4]}, "an answer that is text"),
        ({"ended": [1, 0]}, "true or false"),
        ({"step": "1"}, "a number or null"),
    ],
)
def test_what_is_no_request_is_refused_and_nothing_of_it_counts(server, change, message):
    status, told = post(server, ASKED | change)
    assert status == 400
    assert message in told["error"]
    assert server.answers == []


def test_other_mistakes_have_their_own_status(server):
    assert post(server, "no JSON")[0] == 400
    assert post(server, "[1]")[0] == 400
    place = urlsplit(server.environment[URL])
    line = HTTPConnection(place.hostname, place.port, timeout=10)
    line.putrequest("POST", place.path)
    line.putheader("Content-Length", str(MOST_BYTES + 1))
    line.endheaders()
    assert line.getresponse().status == 413
    line.close()
    status, told = post(server, ASKED | {"answer": ["right", "broken"]})
    assert (status, told) == (500, {"error": "the verifier broke"})
    assert server.answers == [], "an answer that nobody graded is no wrong answer"


def test_after_a_kill_the_answers_of_steps_that_are_taken_again_count_once(server, tmp_path):
    def answer(step, text, running=server):
        post(running, {"step": step, "id": [0], "answer": [text], "ended": [True]})

    for step in range(4):
        answer(step, f"first {step}")
    answer(3, "of another process")
    server.begin()  # it goes on from a checkpoint after two steps
    answer(2, "second 2")
    assert texts(server) == [(0, "first 0"), (1, "first 1"), (2, "second 2")]
    with (tmp_path / "rewards.jsonl").open("a") as file:
        file.write('[{"attempt": 2, "ste')  # torn by a kill
    with RewardServer(grade, 3, tmp_path / "rewards.jsonl") as again:
        assert texts(again) == texts(server)
        again.begin()
        answer(2, "third 2", again)
        answer(2, "third 2 of another process", again)
        assert texts(again)[2:] == [(2, "third 2"), (2, "third 2 of another process")]
    assert texts(RewardServer(grade, 3, tmp_path / "rewards.jsonl")) == texts(again)


@pytest.mark.parametrize(
    ("rewards", "nothing"),
    [
        ([], False),
        ([(0, 1, 0.0), (0, 1, 0.0), (0, 2, 1.0), (4, 1, 1.0)], True),
        ([(0, 1, 0.0), (0, 1, 0.5)], False),
        ([(0, 1, 0.0), (1, 1, 1.0)], True),
        ([(None, 1, 0.0), (None, 1, 1.0)], False),
        ([(0, 1, None), (0, 1, 1.0)], True),
        ([(0, 1, None)], True),
    ],
)
def test_rewards_teach_where_two_answers_of_one_question_differ_at_a_step(tmp_path, rewards, nothing):
    server = RewardServer(lambda place, text, ended: 0.0, 8, tmp_path / "rewards.jsonl")
    server.answers = [RewardedAnswer(1, step, place, "a", True, reward) for step, place, reward in rewards]
    assert server.taught_nothing is nothing


def test_nothing_of_an_earlier_start_counts_where_a_later_one_begins_anew(tmp_path):
    """A trainer need not name its steps; what it answers from no checkpoint it answers again."""
    journal = tmp_path / "rewards.jsonl"
    silent = ASKED | {"step": None}
    with RewardServer(grade, 3, journal) as running:
        running.begin(anew=True)
        post(running, silent)
        running.begin(anew=True)
        assert running.answers == []
        post(running, silent)
        assert len(running.answers) == 2
    with RewardServer(grade, 3, journal) as again:
        assert [answer.attempt for answer in again.answers] == [2, 2]
        again.begin()
        assert len(again.answers) == 2, "what it goes on from had been learnt from them"
        again.begin(anew=True)
    with RewardServer(grade, 3, journal) as last:
        assert last.answers == []
