"""Serves a verifier to trainers of others: answers in, rewards out, over HTTP on loopback and for one token alone.

1. ``POST`` to the address in ``GAUGER_REWARD_URL``, with ``Authorization: Bearer`` and what ``GAUGER_REWARD_TOKEN``
   holds: ``{"step": N, "id": [...], "answer": [...], "ended": [...]}``. Back comes ``{"reward": [...]}``, null where
   nobody can say or where the answer touches what is held out: such an answer must not be learnt from.
2. `step` counts the optimiser steps done (null: not known), `id` is that of the question's row, `ended` tells whether
   the student ended the answer by itself.
3. A trainer that cannot reach it, or is refused, must fail: an answer without a reward is never a wrong answer.
4. All answers stand in a journal, so that a training that was killed and goes on has its whole ledger. What was
   answered at steps that a later start takes again counts no more; nor does anything of earlier starts where a later
   one begins anew. A trainer that names no step and goes on from a checkpoint has answers since then counted twice.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_urlsafe
from types import TracebackType
from typing import Any

from gauger.errors import GaugerError, UserError

URL, TOKEN = "GAUGER_REWARD_URL", "GAUGER_REWARD_TOKEN"
MOST_BYTES = 1 << 26
_HOST, _PATH = "127.0.0.1", "/reward"
_ANEW = '"begun anew"'
Grade = Callable[[int, str, bool], float | None]
"""Place of the question, answer, whether it ended by itself -> reward, 0-1; None: not to be learnt from."""


@dataclass(frozen=True)
class RewardedAnswer:
    """One answer with its reward."""

    attempt: int
    """Which start of the trainer gave it, from 1."""
    step: int | None
    """Optimiser steps done when it was given; None where the trainer does not say."""
    place: int
    """Of its question."""
    text: str
    ended: bool
    """Whether the student ended it by itself."""
    reward: float | None


class RewardServer:
    """Grades answers for the length of a ``with`` block.

    Parameters
    ----------
    grade : callable
        (place, answer, ended) -> reward. Called by one thread at a time.
    n_questions : int
        Places are below it.
    journal : Path
        Where answers are kept; what stands there already counts.

    Notes
    -----
    Proof: tests/train/external/test_reward_server.py.
    """

    def __init__(self, grade: Grade, n_questions: int, journal: Path) -> None:
        self.grade, self.n_questions, self.journal = grade, n_questions, journal
        self.answers: list[RewardedAnswer] = []
        kept = journal.read_text(encoding="utf-8") if journal.is_file() else ""
        for line in kept.splitlines():
            if line == _ANEW:
                self.answers.clear()
            else:
                self._take(_read_line(line))
        self._torn = bool(kept) and not kept.endswith("\n")
        self.attempt = max((answer.attempt for answer in self.answers), default=0)
        self.token = token_urlsafe(32)
        self._lock = threading.Lock()

    def __enter__(self) -> RewardServer:
        self._server = _Server((_HOST, 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the trainer must see; the token is in no file."""
        return {URL: f"http://{_HOST}:{self._server.server_port}{_PATH}", TOKEN: self.token}

    @property
    def taught_nothing(self) -> bool:
        """Whether answers came, and no two of one question at one step had different rewards.

        Where all answers of a group are worth the same, none is better than the others, and no gradient comes of them:
        a student that never, or always, has it right stays as it is.
        """
        seen: dict[tuple[int | None, int], set[float]] = {}
        for answer in self.answers:
            if answer.reward is not None:
                seen.setdefault((answer.step, answer.place), set()).add(answer.reward)
        return bool(self.answers) and all(len(rewards) == 1 for rewards in seen.values())

    def begin(self, *, anew: bool = False) -> None:
        """Note that the trainer is started, or started again; `anew`: from no checkpoint, so all before is lost."""
        self.attempt += 1
        if anew and self.answers:
            self._keep(_ANEW)
            self.answers.clear()

    def rewards(self, request: Mapping[str, Any]) -> list[float | None]:
        """Grade the answers of one request, and keep them.

        Raises
        ------
        UserError
            Where it is not as the head of this file has it.
        """
        step, given = _read_request(request, self.n_questions)
        with self._lock:
            answers = [
                RewardedAnswer(self.attempt, step, place, text, ends, self.grade(place, text, ends))
                for place, text, ends in given
            ]
            self._keep(json.dumps([asdict(answer) for answer in answers]))
            self._take(answers)
        return [answer.reward for answer in answers]

    def _keep(self, line: str) -> None:
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n" if self._torn else f"{line}\n")
        self._torn = False

    def _take(self, answers: list[RewardedAnswer]) -> None:
        """Add answers; those of an earlier start at these steps or later ones were lost with it."""
        for step, attempt in {(answer.step, answer.attempt) for answer in answers if answer.step is not None}:
            self.answers = [old for old in self.answers if not _taken_again(old, step, attempt)]
        self.answers += answers


def _read_request(request: Mapping[str, Any], n_questions: int) -> tuple[int | None, list[tuple[int, str, bool]]]:
    """Return the step, and place, answer and end of every answer."""
    step, places, texts, ended = (request.get(name) for name in ("step", "id", "answer", "ended"))
    lists = [value for value in (places, texts, ended) if isinstance(value, list)]
    if len(lists) < 3 or len({len(value) for value in lists}) != 1:
        raise UserError("id, answer and ended, lists of one length", f"{len(lists)} lists")
    if not (step is None or type(step) is int):
        raise UserError("a step that is a number or null", repr(step))
    given = list(zip(*lists, strict=True))
    for place, text, has_ended in given:
        if type(place) is not int or not 0 <= place < n_questions:
            raise UserError(f"an id below {n_questions}", repr(place))
        if not isinstance(text, str) or not isinstance(has_ended, bool):
            raise UserError("an answer that is text, with true or false for its end", f"{text!r}, {has_ended!r}")
    return step, given


def _taken_again(old: RewardedAnswer, step: int, attempt: int) -> bool:
    return old.attempt < attempt and old.step is not None and old.step >= step


def _read_line(line: str) -> list[RewardedAnswer]:
    """Read one line of the journal; nothing where a kill has torn it."""
    try:
        return [RewardedAnswer(**answer) for answer in json.loads(line)]
    except json.JSONDecodeError:
        return []


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a trainer that was killed resets its connections, and a failure of ours has been answered."""


def _handler(server: RewardServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the trainer's log tells what it asked."""

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MOST_BYTES:
                self._answer(413, {"error": f"at most {MOST_BYTES} bytes, with their number"})
                return
            body = self.rfile.read(int(length))
            given = self.headers.get("Authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {server.token}".encode()):
                self._answer(401, {"error": f"no answer without the token in {TOKEN}"})
            elif self.path != _PATH:
                self._answer(404, {"error": f"only {_PATH} is here"})
            else:
                self._graded(body)

        def _graded(self, body: bytes) -> None:
            try:
                request = json.loads(body)
                rewards = server.rewards(request if isinstance(request, dict) else {})
                self._answer(200, {"reward": rewards})
            except (ValueError, UserError) as error:
                self._answer(400, {"error": str(error)})
            except GaugerError as error:
                self._answer(500, {"error": str(error)})

        def _answer(self, status: int, value: Mapping[str, Any]) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status == 413:
                self.close_connection = True  # its body was not read
            self.end_headers()
            self.wfile.write(content)

    return Handler
