"""What was paid is on disk, once, whatever happens to the process or to the end of the file."""

import json
import os
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journal import Journal, JournalRow
from gauger.elicit.teacher.journal_format import reply_fields, reply_from, request_fields, request_from
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request, TokenChoices
from gauger.elicit.teacher.prices import Prices
from gauger.elicit.teacher.replay import Replay
from gauger.errors import DamagedError, InputError, UserError
from gauger.store.lock import locked

from .common import endpoint, question, questions
from .fault_server import PROMPT_TOKENS, TOKENS, FaultServer, completion, encoded, text_of

TEXT = st.text(st.characters(), max_size=20)  # lone surrogates too
NUMBER = st.floats(-100, 0)
COUNT = st.none() | st.integers(0, 9)
USAGES = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, st.none() | st.floats(0, 1), st.none() | TEXT)
CHOICES = st.builds(TokenChoices, TEXT, NUMBER, st.lists(st.tuples(TEXT, NUMBER), max_size=2).map(tuple))
REPLIES = st.builds(
    Reply,
    st.sampled_from(ReplyOutcome),
    TEXT,
    st.none() | TEXT,
    COUNT,
    COUNT,
    stated_usd=st.none() | st.floats(0, 1),
    usage_problem=st.none() | TEXT,
    earlier=st.lists(USAGES, max_size=2).map(tuple),
    most=st.none() | st.builds(Use, st.just(1), st.integers(0, 9), st.integers(0, 9), st.floats(0, 1)),
    cost_usd=st.none() | st.floats(0, 1),
    requests=st.integers(0, 3),
    paid_again=st.integers(0, 2),
    log_probabilities=st.lists(CHOICES, max_size=2).map(tuple),
    error=st.none() | TEXT,
)
REQUESTS = st.builds(
    Request,
    st.lists(st.builds(Message, st.sampled_from(["system", "user"]), TEXT), max_size=2).map(tuple),
    st.integers(1, 99),
    st.floats(0, 2),
    st.integers(0, 9),
    st.lists(TEXT, max_size=2).map(tuple),
)


class Scripted:
    """A teacher that answers in order, and says what it was asked."""

    name, terms = "scripted", "free"

    def __init__(self, reply=lambda request: Reply(ReplyOutcome.ANSWERED, request.messages[0].content.upper())):
        self.asked, self.reply = [], reply

    def ask(self, requests):
        for index, request in enumerate(requests):
            self.asked.append(request.messages[0].content)
            yield index, self.reply(request)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "replies.jsonl"


@settings(max_examples=50, deadline=None)
@given(REQUESTS, REPLIES)
def test_lines_read_back_as_what_was_written(request_, reply):
    assert reply_from(json.loads(json.dumps(reply_fields(reply)))) == reply
    assert request_from(json.loads(json.dumps(request_fields(request_)))) == request_


def test_a_second_session_asks_nothing_again(path):
    first, second = Scripted(), Scripted()
    replies = dict(Journalled(first, path).ask(questions(5)))
    assert dict(Journalled(second, path).ask(questions(7)[::-1])) == {6 - i: reply for i, reply in replies.items()} | {
        0: Reply(ReplyOutcome.ANSWERED, "QUESTION 6"),
        1: Reply(ReplyOutcome.ANSWERED, "QUESTION 5"),
    }
    assert first.asked == [f"question {number}" for number in range(5)]
    assert second.asked == ["question 6", "question 5"]


def test_a_reply_of_a_journal_beside_it_is_taken_over_with_what_it_took_and_counts_in_the_budget(path):
    others = [path.with_name(name) for name in ("first.jsonl", "second.jsonl", "none.jsonl")]
    list(Journalled(Scripted(), others[0]).ask(questions(3)))
    list(Journalled(Scripted(lambda request: Reply(ReplyOutcome.FAILED, error="down")), others[1]).ask(questions(5)))
    before = [other.read_bytes() for other in others[:2]]
    teacher = Scripted()
    replies = dict(Journalled(teacher, path, beside=others).ask(questions(5)))
    assert {index: reply.text for index, reply in replies.items()} == {i: f"QUESTION {i}" for i in range(5)}
    assert teacher.asked == ["question 3", "question 4"], "what failed there is asked here"
    assert [other.read_bytes() for other in others[:2]] == before
    assert dict(Replay(others[0]).ask(questions(1)))[0] == replies[0]
    again = Scripted()
    assert dict(Journalled(again, path).ask(questions(5))) == replies
    assert again.asked == []
    few = Limited(Scripted(), QueryBudget(max_queries=4))
    own = Journalled(few, path.with_name("few.jsonl"), beside=others)
    assert len(dict(own.ask(questions(5)))) == 4, "three taken over, one asked"


def test_equal_requests_are_asked_once_and_all_get_the_reply(path):
    teacher = Scripted()
    batch = [question("a"), question("b"), question("a"), question("a", seed=1)]
    replies = dict(Journalled(teacher, path).ask(batch))
    assert {index: reply.text for index, reply in replies.items()} == {0: "A", 1: "B", 2: "A", 3: "A"}
    assert teacher.asked == ["a", "b", "a"]  # another seed is another draw


def test_failures_are_kept_but_asked_again_and_their_requests_are_added(path):
    failing = Scripted(lambda request: Reply(ReplyOutcome.FAILED, requests=3, paid_again=2, error="down"))
    ((_, failed),) = Journalled(failing, path).ask([question("a")])
    assert failed.outcome is ReplyOutcome.FAILED
    ((_, again),) = Journalled(failing, path).ask([question("a")])
    assert (again.requests, again.paid_again) == (6, 4)
    ((_, reply),) = Journalled(Scripted(), path).ask([question("a")])
    assert (reply.outcome, reply.requests, reply.paid_again) == (ReplyOutcome.ANSWERED, 7, 4)
    untouched = Scripted()
    assert dict(Journalled(untouched, path).ask([question("a")])) == {0: reply}
    assert untouched.asked == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_cut_anywhere_loses_no_whole_line_and_counts_the_torn_one(tmp_path, data):
    path = tmp_path / f"{data.draw(st.uuids())}.jsonl"
    list(Journalled(Scripted(), path).ask(questions(3)))
    content = path.read_bytes()
    # a share of the file, for its length is not the same twice (it holds times): what is drawn must not depend on that
    end = data.draw(st.integers(0, 1_000_000)) * len(content) // 1_000_000
    path.write_bytes(content[:end])
    whole = content[:end].count(b"\n")
    teacher = Scripted()
    again = Journalled(teacher, path)
    assert {index: reply.text for index, reply in again.ask(questions(3))} == {i: f"QUESTION {i}" for i in range(3)}
    assert len(teacher.asked) == 3 - max(0, whole - 1)
    torn = not content[:end].endswith(b"\n") and end > 0
    assert again.journal.torn == torn
    if whole:  # where not even the first line is whole there is nothing to add the note to
        reread = Journal(path)
        reread.read()
        assert (reread.torn, len(reread)) == (torn, 3)


def test_zeros_at_the_end_are_torn_and_damage_within_is_an_error(path):
    list(Journalled(Scripted(), path).ask(questions(2)))
    content = path.read_bytes()
    path.write_bytes(content + b"\x00" * 50 + b"\n" + b"\x00" * 9)
    again = Journalled(Scripted(), path)
    assert len(list(again.ask(questions(2)))) == 2
    assert again.journal.torn == 1
    lines = content.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + lines[2])
    with pytest.raises(DamagedError, match="line 2"):
        list(Journalled(Scripted(), path).ask(questions(2)))


def test_another_file_is_refused(path):
    path.write_text('{"messages": []}\n')
    with pytest.raises(InputError, match="a journal of replies"):
        list(Journalled(Scripted(), path).ask(questions(1)))
    assert path.read_text() == '{"messages": []}\n'


def test_one_process_writes_at_a_time(path):
    with locked(path.with_name("replies.jsonl.lock")), pytest.raises(UserError, match="already working"):
        list(Journalled(Scripted(), path).ask(questions(1)))


def test_one_may_ask_while_an_answer_is_being_worked_on(path):
    teacher = Journalled(Scripted(), path)
    follow_ups = [dict(teacher.ask([question(f"and {reply.text}")]))[0].text for _, reply in teacher.ask(questions(3))]
    assert sorted(follow_ups) == [f"AND QUESTION {number}" for number in range(3)]
    assert len(teacher.journal) == 6


def test_replies_of_two_models_are_not_mixed_but_a_server_may_move(path):
    teacher = Scripted()
    for name in ("http://a/v1#m", "http://b/v1#m"):
        teacher.name = name
        list(Journalled(teacher, path).ask(questions(1)))
    assert len(teacher.asked) == 1
    teacher.name = "http://b/v1#other"
    with pytest.raises(UserError, match="replies of two teachers are not mixed"):
        list(Journalled(teacher, path).ask(questions(1)))
    assert Replay(path).name == "replay:http://b/v1#m"


def test_replies_are_on_disk_before_anybody_sees_them(path):
    for number, _ in enumerate(Journalled(Scripted(), path).ask(questions(4)), start=1):
        assert path.read_bytes().count(b"\n") >= 1 + number


def test_a_caller_that_leaves_early_keeps_what_is_in_flight(path):
    with FaultServer(latency_s=0.05) as server:
        replies = Journalled(endpoint(server.url, in_flight=8), path).ask(questions(100))
        assert len(list(islice(replies, 2))) == 2
        replies.close()
        paid = sum(server.paid.values())
        assert 8 <= paid < 60
    kept = Journal(path)
    kept.read()
    assert len(kept) == paid


def test_a_disk_that_takes_nothing_more_stops_the_asking(path, monkeypatch):
    def full(self, rows):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "append", full)
    with FaultServer(latency_s=0.02) as server:
        with pytest.raises(OSError, match="No space"):
            list(Journalled(endpoint(server.url, in_flight=4), path).ask(questions(200)))
        assert sum(server.paid.values()) < 40


def test_a_budget_ends_a_resumed_batch_where_it_ends_a_whole_one(path, tmp_path):
    """Whichever replies a kill left behind, the corpus has the same rows."""
    batch, limit = questions(60), 700
    with FaultServer() as server:
        whole = dict(Journalled(endpoint(server.url, QueryBudget(max_tokens=limit)), path).ask(batch))
        assert sorted(whole) == list(range(len(whole)))
        assert 20 < len(whole) < 60
        lines = path.read_bytes().splitlines(keepends=True)  # without the log of sendings
        for number, dropped in enumerate([range(1, 2), range(5, 12), range(20, 99), range(1, 99, 3)]):
            resumed_path = tmp_path / f"{number}.jsonl"
            resumed_path.write_bytes(b"".join(line for i, line in enumerate(lines) if i not in dropped))
            budget = QueryBudget(max_tokens=limit)
            resumed = dict(Journalled(endpoint(server.url, budget), resumed_path).ask(batch))
            assert {i: reply.text for i, reply in resumed.items()} == {i: reply.text for i, reply in whole.items()}
            assert budget.spent.tokens_in + budget.spent.tokens_out == len(whole) * (PROMPT_TOKENS + TOKENS)
            assert budget.exhausted


def test_asking_the_same_twice_is_charged_once(path):
    budget = QueryBudget()
    with FaultServer() as server:
        teacher = Journalled(endpoint(server.url, budget), path)
        for _ in range(2):
            list(teacher.ask(questions(4)))
    assert budget.spent.queries == 4


def test_a_recorded_teacher_answers_what_was_recorded_and_nothing_else(path):
    recorded = dict(Journalled(Scripted(), path).ask(questions(3)))
    for place in (path, path.parent):
        teacher = Replay(place, terms="free")
        assert (teacher.name, teacher.terms) == ("replay:scripted", "free")
        replies = dict(teacher.ask([*questions(3), question("new"), question("question 0", max_tokens=21)]))
        assert {index: replies[index] for index in range(3)} == recorded
        for unknown in (replies[3], replies[4]):
            assert (unknown.outcome, unknown.requests) == (ReplyOutcome.FAILED, 0)
            assert "holds no reply to this request" in unknown.error


def test_a_recorded_failure_is_replayed_as_one(path):
    failure = Reply(ReplyOutcome.FAILED, error="down")
    list(Journalled(Scripted(lambda request: failure), path).ask([question("a")]))
    assert dict(Replay(path).ask([question("a")])) == {0: failure}


def test_a_recorded_teacher_needs_a_record(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Replay(tmp_path)
    (tmp_path / "replies.jsonl").write_text("")
    with pytest.raises(InputError, match="without replies"):
        Replay(tmp_path)


def test_rows_with_equal_keys_leave_the_last(path):
    journal, request = Journal(path), question("a")
    with journal.writing("t"):
        for text in ("x", "y"):
            journal.append([JournalRow(request.key, request, Reply(ReplyOutcome.ANSWERED, text))])
        assert journal[request.key].text == "y"
        journal.append([JournalRow(request.key, request, replace(journal[request.key], outcome=ReplyOutcome.FAILED))])
        assert journal[request.key].text == "y"
        assert text_of("a") not in path.read_text()


MOST = Use(1, 90, 20)


def test_a_sending_without_a_reply_stays_known_as_perhaps_paid(path):
    """A journal as a killed session leaves it: sent; sent and turned away; sent, billed as stated, and sent again."""
    a, b, c, d = (question(text) for text in "abcd")
    journal = Journal(path)
    with journal.writing("scripted"):
        for one in (a, b, c, c, d):
            journal.sent(one.key, MOST)
        journal.missed(b.key, None)
        journal.missed(c.key, Usage(7, 500))
        journal.append([JournalRow(d.key, d, Reply(ReplyOutcome.ANSWERED, "D"))])
    again = Journal(path)
    again.read()
    found = {key: (most, past.requests, past.paid_again, past.earlier) for key, most, past in again.unanswered()}
    assert found == {
        a.key: (MOST, 1, 1, ()),
        b.key: (MOST, 1, 0, ()),
        c.key: (MOST, 2, 1, (Usage(7, 500),)),
    }
    assert again.past(d.key) is None
    budget = QueryBudget(prices=Prices(1.0, 10.0))
    teacher = Limited(Scripted(), budget)
    replies = dict(Journalled(teacher, path).ask([c, a]))
    assert (replies[0].requests, replies[0].paid_again, replies[0].earlier) == (3, 1, (Usage(7, 500),))
    assert (replies[1].requests, replies[1].paid_again, replies[1].earlier) == (2, 1, ())
    # c: 7 + 500 stated, one sending and the reply at the most; a: one sending and the reply
    most_c, most_a = budget.most(c), budget.most(a)
    assert replies[0].most == Use(1, 7, 500, 5007e-6).plus(most_c, 2)
    assert replies[1].most == Use().plus(most_a, 2)
    assert budget.spent.queries_unseen == 2


def test_what_no_reply_tells_of_is_told_by_the_teacher(path):
    a, b = question("a"), question("b")
    with (journal := Journal(path)).writing("scripted"):
        journal.sent(a.key, MOST)
        journal.sent(b.key, MOST)
        journal.missed(b.key, None)
    teacher = Journalled(Limited(Scripted(), QueryBudget(prices=Prices(1.0, 10.0))), path)
    assert list(teacher.ask([question("c")]))
    (reply,) = teacher.unseen()  # b was turned away: nothing was paid
    assert (reply.outcome, reply.paid_again, reply.most) == (ReplyOutcome.FAILED, 1, MOST._replace(usd=290e-6))
    assert (reply.cost_usd, reply.cost_most_usd) == (0.0, 290e-6)
    list(teacher.ask([a]))
    assert teacher.unseen() == []


def test_half_a_note_that_the_disk_took_is_cut_off_again(path, monkeypatch):
    journal, write = Journal(path), os.write
    with journal.writing("t"):
        monkeypatch.setattr(
            os, "write", lambda descriptor, view: write(descriptor, view[:9]) if len(view) > 60 else full()
        )
        with pytest.raises(OSError, match="No space"):
            journal.sent("k" * 64, MOST)
        monkeypatch.undo()
        journal.sent("l" * 64, MOST)
    again = Journal(path)
    again.read()
    assert (again.torn, [key[0] for key, _, _ in again.unanswered()]) == (0, ["l"])


def full():
    raise OSError(28, "No space left on device")


def test_a_request_is_written_down_before_it_is_sent(path):
    seen, log = [], path.with_name("replies.jsonl.sent")

    def answer(_, body):
        seen.append(log.read_bytes().count(b'{"sent"'))
        return (503, {}, b"") if len(seen) < 3 else (200, {}, encoded(completion(body)))

    with FaultServer(answer=answer) as server:
        ((_, reply),) = Journalled(endpoint(server.url, in_flight=1), path).ask([question("a")])
    assert seen == [1, 2, 3]
    assert (reply.requests, reply.paid_again, reply.earlier) == (3, 0, ())
    assert log.read_bytes().count(b'{"missed"') == 2


def test_a_journal_of_the_first_version_is_read_and_gone_on_with(path):
    request = question("a")
    header = {"schema": "gauger.journal/1", "teacher": "scripted"}
    reply = {"outcome": "answered", "text": "A", "tokens_in": 3, "tokens_out": 4, "cost_usd": 0.5, "paid_again": 1}
    line = {"key": request.key, "request": request_fields(request), "reply": reply}
    path.write_text(json.dumps(header) + "\n" + json.dumps(line) + "\n")
    replies = dict(Journalled(Scripted(), path).ask([request, question("b")]))
    assert (replies[0].text, replies[0].cost_usd, replies[0].paid_again, replies[1].text) == ("A", 0.5, 1, "B")


def test_a_smaller_budget_holds_for_what_the_journal_has_and_the_same_budget_loses_nothing(path):
    batch = questions(12)

    def answer(_, body):  # every reply takes ten times what it may
        return 200, {}, encoded(completion(body) | {"usage": {"prompt_tokens": 7, "completion_tokens": 200}})

    with FaultServer(answer=answer) as server:

        def ask(**limits):
            budget = QueryBudget(**limits)
            return dict(Journalled(endpoint(server.url, budget, in_flight=4), path).ask(batch)), budget

        first, _ = ask(max_tokens=500)
        again, _ = ask(max_tokens=500)
        assert set(again) == set(first)
        assert 2 <= len(first) <= 4
        asked = len(server.bodies)
        assert sorted(ask(max_queries=1)[0]) == [0]
        assert len(server.bodies) == asked
        assert sorted(ask(max_queries=6)[0]) == list(range(6))
        assert len(server.bodies) == 6


def test_requests_that_failed_find_only_the_room_that_is_left(path):
    """Ten queries may be paid; three of ten were turned away, and three others took their place."""
    batch, refusing = questions(13), {"question 1", "question 4", "question 5"}

    def answer(_, body):
        if body["messages"][0]["content"] in refusing:
            return 422, {}, b"no"
        return 200, {}, encoded(completion(body))

    with FaultServer(answer=answer) as server:
        for _ in range(3):
            budget = QueryBudget(max_queries=10)
            replies = dict(Journalled(endpoint(server.url, budget, in_flight=1), path).ask(batch))
            assert sum(reply.outcome is not ReplyOutcome.FAILED for reply in replies.values()) == 10
            assert budget.spent.queries == 10
            refusing.clear()


def test_a_log_of_sendings_that_is_torn_anywhere_is_read_as_far_as_it_is_whole(path):
    keys, log = [question(text).key for text in "abc"], path.with_name("replies.jsonl.sent")
    journal = Journal(path)
    with journal.writing("t"):
        for key in keys:
            journal.sent(key, MOST)
        journal.missed(keys[1], Usage(7, 8))
    content = log.read_bytes()
    lines = content.splitlines(keepends=True)
    for end in range(len(content)):
        log.write_bytes(content[:end])
        again = Journal(path)
        with again.writing("t"):
            found = {key: past.paid_again for key, _, past in again.unanswered()}
            again.sent(keys[0], MOST)
        whole = content[:end].count(b"\n")
        assert found == {key: int(key != keys[1] or whole < 4) for key in keys[:whole]}
        assert log.read_bytes().startswith(b"".join(lines[:whole]))
        assert log.read_bytes().count(b"\n") == whole + 1


def test_sendings_that_a_reply_counts_are_no_longer_open_in_whatever_order_they_are_read(path):
    a = question("a")
    journal = Journal(path)
    with journal.writing("t"):
        for number in (1, 2):
            journal.sent(a.key, MOST)
            assert journal.past(a.key).requests == number
        journal.append([JournalRow(a.key, a, Reply(ReplyOutcome.FAILED, requests=2, paid_again=2, error="down"))])
        journal.sent(a.key, MOST)
    again = Journal(path)
    again.read()
    past = again.past(a.key)
    assert (past.requests, past.paid_again, past.error) == (3, 3, "down")
    with again.writing("t"):
        again.append([JournalRow(a.key, a, Reply(ReplyOutcome.ANSWERED, "A", requests=3, paid_again=2))])
    once_more = Journal(path)
    once_more.read()
    assert once_more.past(a.key) is None
    assert list(once_more.unanswered()) == []


def test_a_disk_that_takes_no_note_lets_no_request_out(path, monkeypatch):
    def disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "sent", disk)
    with FaultServer() as server:
        with pytest.raises(OSError, match="No space"):
            list(Journalled(endpoint(server.url, in_flight=4), path).ask(questions(20)))
        assert server.bodies == []
