"""The displays: plain lines in a log, a bar on a terminal."""

import io
import sys

import pytest
from rich.console import Console

from gauger.execute.job import Job
from gauger.execute.progress import LiveProgress, LogProgress, RunProgress, make_progress
from gauger.execute.schedule import JobSchedule


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def job(key, *inputs):
    roles = {str(index): other for index, other in enumerate(inputs)}
    return Job(key, "write", f"label · [red]{key}", {}, roles, 1.0, "label", None, "stage")


JOBS = [job("a"), job("b"), job("c", "b"), *(job(str(index)) for index in range(17))]


def begin(progress, reused=()):
    progress.begin(JOBS, 2, JobSchedule(JOBS, ()).priority, dict.fromkeys(reused, 2.0))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock):
    return LogProgress(io.StringIO(), clock=clock)


def lines(log):
    return log.stream.getvalue().splitlines()


def test_the_log_says_what_there_is_to_do(log):
    begin(log, reused=["a"])
    assert lines(log) == ["20 jobs on 2 workers, 1 of them done before"]


def test_the_log_says_the_state_only_now_and_then(log, clock):
    begin(log)
    for index, one in enumerate(JOBS):
        clock.now = index * 0.5
        log.started(one)
        clock.now += 0.5
        log.finished(one, 0.5)
    said = lines(log)[1:]
    assert len(said) == 5, "ten seconds, at most one line in two"
    assert said[0] == " 4/20 jobs ·  20 % of the work · about 4 s left · label · [red]0"


def test_the_log_says_something_after_a_while_without_events(log, clock):
    begin(log)
    clock.now = 19.0
    log.show()
    assert len(lines(log)) == 1
    clock.now = 21.0
    log.show()
    assert lines(log)[1] == " 0/20 jobs ·   0 % of the work · time left unknown"


def test_failures_are_said_at_once_and_in_one_line(log):
    begin(log)
    log.failed(JOBS[1], "ValueError: bad\nsecond line")
    log.blocked(JOBS[2], JOBS[1])
    log.retried(JOBS[0], "its worker was killed")
    log.damaged(JOBS[0], "text.txt is missing")
    assert lines(log)[1:] == [
        "failed: label · [red]b: ValueError: bad",
        "blocked: label · [red]c (waits for label · [red]b)",
        "again: label · [red]a: its worker was killed",
        "damaged: the result of label · [red]a: text.txt is missing; set aside and computed again",
    ]


def test_the_log_ends_with_the_outcome(log):
    begin(log, reused=["a"])
    log.failed(JOBS[1], "")
    log.blocked(JOBS[2], JOBS[1])
    log.end()
    assert lines(log)[-1] == "1 of 20 jobs done, 1 of them before, 1 failed, 1 blocked"


def test_the_bar_on_a_terminal(clock):
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    live = LiveProgress(console, clock)
    begin(live, reused=["a"])
    live.started(JOBS[1])
    live.finished(JOBS[1], 2.0)
    live.bar.refresh()
    live.note("a [bold]note")
    live.failed(JOBS[3], "ValueError: bad")
    live.show()
    live.end()
    shown = console.file.getvalue()
    assert "2/20" in shown
    assert "about 18 s left" in shown
    assert "label · [red]b" in shown, "names are text, not markup"
    assert "a [bold]note" in shown
    assert "failed: label · [red]0: ValueError: bad" in shown
    assert shown.rstrip().endswith("2 of 20 jobs done, 1 of them before, 1 failed")


def test_ending_a_bar_that_never_began_is_harmless(clock):
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    LiveProgress(console, clock).end()
    assert "0 of 0 jobs done" in console.file.getvalue()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_display_fits_the_place(monkeypatch):
    assert type(make_progress(quiet=True)) is RunProgress
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert type(make_progress()) is LogProgress
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert type(make_progress()) is LiveProgress
    monkeypatch.setenv("TERM", "dumb")
    assert type(make_progress()) is LogProgress
