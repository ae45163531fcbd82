"""An endpoint with an interface for batches on loopback, with its own bill: what a batch has generated is paid.

`python -m elicit.api.batch_server URL JOURNAL COUNT` (from tests/) asks in a process of its own, to be killed.
"""

import json
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from elicit.teacher.common import QUICK, questions
from elicit.teacher.fault_server import PROMPT_TOKENS, TOKENS, completion
from gauger.elicit.api.address import parse_teacher
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.prices import Prices

PRICES = Prices(1000.0, 3000.0)
EACH_USD = PRICES.usd(PROMPT_TOKENS, TOKENS)
"""Of one answer, before any rebate."""


@dataclass
class BatchServer:
    """Use as a context manager; `url` is its address."""

    say: object = None
    """(number of the batch, body) -> (status of the line, body), None for no line, or an error's code."""
    ending: object = None
    """(number of the batch) -> what the batch ends as, with its errors."""
    at: object = None
    """Called with the name of every stage once it is reached: uploaded, created, polled, downloaded."""
    turned_away: list = field(default_factory=list)
    """(method, start of the path, status), each once and in order."""
    lists: bool = True
    paid: Counter = field(default_factory=Counter)
    """Answers by prompt."""
    files: dict = field(default_factory=dict)
    batches: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    """Bodies, batch by batch."""

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                self.respond(outer.posted(self.path, self.rfile.read(int(self.headers["Content-Length"]))))

            def do_GET(self):
                self.respond(outer.got(self.path))

            def respond(self, answer):
                status, content = answer
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _fault(self, method, path):
        if self.turned_away and self.turned_away[0][0] == method and path.startswith(self.turned_away[0][1]):
            return self.turned_away.pop(0)[2]
        return None

    def _reached(self, stage):
        if self.at is not None:
            self.at(stage)

    def posted(self, path, content):
        status = self._fault("POST", path)
        if status == 503:
            return 503, {"error": {"message": "busy"}}
        if path == "/v1/files":
            name = f"file-{len(self.files)}"
            head, _, rest = content.partition(b"application/jsonl\r\n\r\n")
            assert b'name="purpose"\r\n\r\nbatch' in head
            self.files[name] = rest.rpartition(b"\r\n--")[0]
            self._reached("uploaded")
            return 200, {"id": name}
        assert path == "/v1/batches", path
        said = json.loads(content)
        assert said["endpoint"] == "/v1/chat/completions"
        assert said["completion_window"] == "24h"
        name = f"batch/{len(self.batches)}"  # must be spelled in addresses
        self.batches[name] = self._done(name, said)
        self._reached("created")
        return (status or 200), ({"error": {"message": "gateway"}} if status else self.batches[name])

    def _done(self, name, said):
        number = len(self.batches)
        ends = self.ending(number) if self.ending else {"status": "completed"}
        about = {"id": name, "metadata": said["metadata"], **ends}
        lines = [json.loads(line) for line in self.files[said["input_file_id"]].splitlines()]
        assert len({line["custom_id"] for line in lines}) == len(lines)
        self.asked.append([line["body"] for line in lines])
        if ends["status"] == "failed":
            return about
        rows = {"output": [], "error": []}
        for line in lines:
            found = self.say(number, line["body"]) if self.say else (200, completion(line["body"]))
            if found is None:
                self._bill(line["body"])
            elif isinstance(found, str):
                rows["error"].append({"custom_id": line["custom_id"], "response": None, "error": {"code": found}})
            else:
                if found[0] == 200:
                    self._bill(line["body"])
                row = {"custom_id": line["custom_id"], "error": None}
                row["response"] = {"status_code": found[0], "body": found[1]}
                rows["output" if found[0] == 200 else "error"].append(row)
        for kind, made in rows.items():
            if made:
                about[f"{kind}_file_id"] = f"{kind}-{number}"
                self.files[f"{kind}-{number}"] = "\n".join(json.dumps(row) for row in reversed(made)).encode()
        return about

    def _bill(self, body):
        self.paid[body["messages"][-1]["content"]] += 1

    def got(self, path):
        if self._fault("GET", path):
            return 503, {"error": {"message": "busy"}}
        if path.startswith("/v1/batches?"):
            listed = list(self.batches.values())[::-1]
            names = [one["id"] for one in listed]
            begin = names.index(path.partition("after=")[2].replace("%2F", "/")) + 1 if "after=" in path else 0
            page = listed[begin : begin + 1]  # pages of one, so that they are turned
            found = {"data": page, "has_more": begin + 1 < len(listed)}
            return (200, found) if self.lists else (404, {"error": {"message": "no such path"}})
        if path.startswith("/v1/batches/"):
            self._reached("polled")
            name = path.removeprefix("/v1/batches/").replace("%2F", "/")
            return (200, self.batches[name]) if name in self.batches else (404, {"error": {"message": "no batch"}})
        content = self.files[path.removeprefix("/v1/files/").removesuffix("/content")]
        self._reached("downloaded")
        return 200, content


def teacher(url, budget=None, batch=True, patience=QUICK):
    return OpenAIEndpoint(parse_teacher(f"{url}#m"), budget or QueryBudget(), None, patience, None, batch)


def main():
    url, path, count = sys.argv[1:]
    for _ in Journalled(teacher(url, QueryBudget(prices=PRICES)), Path(path)).ask(questions(int(count))):
        pass


if __name__ == "__main__":
    main()
