"""A server that speaks the protocol: ``python stub_server.py MODEL PORT [MODE [LIVES]]``, answering as MODE says.

MODE is `echo` (the last words of the prompt, reversed), `slow` (never healthy), `broken` (ends at once), `weights` (the
last word of the prompt, or a wrong one: the bytes of the weights decide), or `model`: the checkpoint itself answers,
decoded by our own engine, so that what is served can be held against what is not. Each answer takes STUB_PAUSE seconds.
Where the file LIVES holds a number above 0, that becomes one less at the third request, and the server is killed by it;
a file with `none` in it lets no server begin.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LISTENS = "listening"


def echo(prompt, body):
    return " ".join(reversed(str(prompt).split()[-3:])), "stop"


def by_weights(directory):
    weights = (Path(directory) / "model.safetensors").read_bytes()

    def answer(prompt, body):
        is_right = zlib.crc32(str(prompt).encode(), zlib.crc32(weights)) % 2
        return str(prompt).split()[-1] if is_right else "nothing", "stop"

    return answer


def by_model(directory):
    from gauger.train.engine import Continuation
    from gauger.train.hf import ENGINE

    model = ENGINE.load(Path(directory))

    def answer(prompt, body):
        decoding = Continuation(body["max_tokens"], body["temperature"])
        stops = [tuple(body.get("stop") or ())]
        (said,) = model.complete([prompt], decoding, [body.get("seed") or 0], stops)
        return said.text, "stop" if said.ended else "length"

    return answer


def mortal(answer, lives):
    asked = itertools.count(1)

    def answered(prompt, body):
        left = int(lives.read_text())
        if next(asked) == 3 and left:
            lives.write_text(os.environ.get("STUB_AFTER", str(left - 1)))
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(prompt, body)

    return answered


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer = staticmethod(echo)

    def log_message(self, form, *values):
        print(form % values, flush=True)

    def do_GET(self):
        self.reply(200 if self.path == "/health" else 404, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("authorised with", self.headers.get("Authorization"), "for", body["model"], flush=True)
        time.sleep(float(os.environ.get("STUB_PAUSE", "0")))
        chat = self.path.endswith("/chat/completions")
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        text, why = self.answer(prompt, body)
        said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        choice = {"index": 0, "finish_reason": why, **said}
        about = {"id": f"id-{id(self)}-{time.time_ns()}", "model": body["model"], "created": int(time.time())}
        self.reply(200, about | {"object": "chat.completion", "choices": [choice], "usage": usage})

    def reply(self, status, value):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main(model, port, mode="echo", lives=None):
    if mode == "broken" or (lives and Path(lives).read_text() == "none"):
        sys.exit("no such device")
    if mode == "slow":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        time.sleep(60)
    if mode in ("model", "weights"):
        Handler.answer = staticmethod(by_model(model) if mode == "model" else by_weights(model))
    if lives:
        Handler.answer = staticmethod(mortal(Handler.answer, Path(lives)))
    print(LISTENS, os.getpid(), "tokens:", [name for name in os.environ if "KEY" in name], flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
