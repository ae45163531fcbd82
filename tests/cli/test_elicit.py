"""`gauger elicit`: from a seeds file to a corpus, gone on with, refused, and spoken of."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from elicit.api.batch_server import BatchServer
from elicit.teacher.answering import Answering, plain
from gauger.cli.elicit import register
from gauger.elicit.corpus import read_corpus
from gauger.elicit.lineage import lineage
from gauger.elicit.sample_rows import LEDGER
from gauger.elicit.strategies.registry import program
from gauger.elicit.teacher.journalled import Journalled
from gauger.errors import InputError, UserError


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        prompt = body["messages"][-1]["content"]
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": f"An answer to {prompt}"},
                }
            ],
            "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
        }
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as found:
        found.asked, found.daemon_threads = [], True
        found.teacher = f"http://127.0.0.1:{found.server_port}/v1#m"
        thread = threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [{"id": n, "prompt": f"What is {n} plus 2?", "benchmark": "sums", "split": "train"} for n in range(12)]
    (tmp_path / "seeds.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return tmp_path


@pytest.fixture
def elicit(folder):
    app = typer.Typer()

    @app.callback()
    def root() -> None:
        """Stand in for the whole application."""

    register(app)

    def call(*arguments, seeds="seeds.jsonl", out="out"):
        given = ["--seeds", seeds] if seeds else []
        return CliRunner().invoke(app, ["elicit", "--out", out, *given, *arguments])

    return call


def record(folder, strategy, count):
    """Record the replies to the requests that a strategy will make, as an earlier elicitation left them."""
    part = program(strategy).template.parts["answer"]
    requests = [part.request({"prompt": f"What is {n} plus 2?"}) for n in range(count)]
    list(Journalled(Answering(plain), folder / "recorded" / "replies.jsonl").ask(requests))


def test_an_endpoints_answers_become_a_corpus_with_everything_beside_it(elicit, server, folder):
    result = elicit(
        "--teacher", server.teacher, "--strategy", "label", "--price-in", "1", "--price-out", "2", "--terms", "own"
    )
    assert result.exit_code == 0, result.output
    corpus = read_corpus(folder / "out")
    assert len(corpus.kept) == len(server.asked) == 12
    ledger = pl.read_parquet(folder / "out" / "ledger.parquet")
    assert ledger.schema == pl.Schema(LEDGER)
    assert (ledger["terms"].unique().to_list(), ledger["teacher"].unique().to_list()) == (["own"], [server.teacher])
    assert ledger["cost_usd"].sum() == pytest.approx(12 * (20 * 1 + 10 * 2) / 1e6)
    assert set(lineage(folder / "out")["benchmark"]) == {"sums"}
    assert (folder / "out" / "exports" / "messages.jsonl").read_text().count("\n") == 12
    assert re.search(r"^kept +12$", result.stdout, re.M)
    assert re.search(r"^tokens +240 in, 120 out$", result.stdout, re.M)
    assert re.search(r"^cost +\$0.0005$", result.stdout, re.M)
    assert "of 12 requests ended" in result.stderr


def test_another_view_of_the_same_replies_asks_nothing_again(elicit, server, folder):
    command = ("--teacher", server.teacher, "--strategy", "label")
    seen, journals = {}, set()
    for name, more in {"whole": (), "short": ("--defence", "shorten:0.5"), "shown": ("--reasoning", "shown")}.items():
        result = elicit(*command, *more)
        assert result.exit_code == 0, result.output
        seen[name] = [line["messages"][-1]["content"] for line in rows(folder / "out" / "corpus.jsonl")]
        journals.add((folder / "out" / "replies.jsonl").read_bytes())
        surfaces = pl.read_parquet(folder / "out" / "ledger.parquet")["surface"].unique().to_list()
        assert surfaces == [{"whole": "text", "short": "text, shorten 0.5", "shown": "text and reasoning"}[name]]
    assert len(server.asked) == 12
    assert len(journals) == 1
    assert seen["whole"] == seen["shown"]
    assert all(len(short.split()) < len(one.split()) for short, one in zip(seen["short"], seen["whole"], strict=True))
    heated = elicit(*command, "--defence", "heat:0.5")
    assert isinstance(heated.exception, UserError), "a generation is another teacher: it needs a folder of its own"
    assert "generation heat:0.5 instead of none" in str(heated.exception)
    assert elicit(*command, "--defence", "heat:0.5", out="other").exit_code == 0
    assert {body["temperature"] for body in server.asked[12:]} == {1.0}
    for wrong in ("shorten:2", "shorten:x", "shortn"):
        assert isinstance(elicit(*command, "--defence", wrong).exception, UserError)
    limited = elicit(*command, "--filters", "short", out="filtered")
    assert limited.exit_code == 0
    assert "short" in pl.read_parquet(folder / "filtered" / "ledger.parquet")["filters"][0].to_list()


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_same_command_pays_nothing_twice_and_a_greater_budget_goes_on(elicit, server, folder):
    command = ("--teacher", server.teacher, "--strategy", "label", "--json")
    first = elicit(*command, "--max-queries", "5")
    assert first.exit_code == 0
    assert json.loads(first.stdout)["notes"] == ["5 samples, not every seed was used: the budget is spent"]
    assert len(server.asked) == 5
    for _ in range(2):
        result = elicit(*command)
        assert result.exit_code == 0
        assert len(server.asked) == 12
    found = json.loads(result.stdout)
    assert (found["schema"], found["kept"], found["queries"], found["cost_usd"]) == ("gauger.elicit/1", 12, 12, None)
    assert "going on in out" in result.stderr


def test_other_settings_are_refused_by_name(elicit, server, folder):
    command = ("--teacher", server.teacher, "--strategy", "label")
    elicit(*command)
    before = (folder / "out" / "corpus.jsonl").read_bytes()
    for more, said in (
        (("--seed", "3"), "seed 3 instead of 0"),
        (("--samples", "4"), "samples 4 instead of none"),
        (
            ("--language", "en", "--max-words", "9"),
            "filters.max words 9 instead of none; filters.language en instead of none",
        ),
        (("--temperature", "1"), "answer.temperature 1.0 instead of 0.0"),
    ):
        result = elicit(*command, *more)
        assert isinstance(result.exception, UserError)
        assert said in str(result.exception)
    result = elicit("--teacher", "http://127.0.0.1:1/v1#other", "--strategy", "rationale")
    assert "teacher http://127.0.0.1:1/v1#other instead of" in str(result.exception)
    assert "strategy rationale instead of label" in str(result.exception)
    (folder / "seeds.jsonl").write_text('{"id": 1, "prompt": "other"}\n')
    assert "seeds 1 texts" in str(elicit(*command).exception)
    assert (folder / "out" / "corpus.jsonl").read_bytes() == before
    assert len(server.asked) == 12


def test_the_same_model_at_another_address_with_another_pace_price_key_and_terms_is_asked_nothing_again(
    elicit, server, folder, monkeypatch
):
    command = ("--strategy", "label", "--json")
    assert elicit("--teacher", server.teacher, *command, "--max-queries", "7").exit_code == 0
    asked = len(server.asked)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as other:
        other.asked, other.daemon_threads = [], True
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        elsewhere = f"http://localhost:{other.server_port}/v1#m"
        monkeypatch.setenv("GAUGER_API_KEY", "sk-another-key")
        changes = ("--concurrency", "1", "--rpm", "100000", "--price-in", "3", "--price-out", "30", "--terms", "new")
        result = elicit("--teacher", elsewhere, *command, *changes)
        assert result.exit_code == 0, result.output
        assert (asked, len(server.asked), len(other.asked)) == (7, 7, 5)
        other.shutdown()
    found = json.loads(result.stdout)
    assert found["cost_usd"] == found["cost_most_usd"] == pytest.approx(12 * (20 * 3 + 10 * 30) / 1e6)
    ledger = pl.read_parquet(folder / "out" / "ledger.parquet")
    assert ledger["terms"].unique().to_list() == ["new"]
    other_model = elicit("--teacher", elsewhere.replace("#m", "#n"), *command)
    assert "#n instead of" in str(other_model.exception)


def test_a_folder_with_other_things_and_a_file_are_refused(elicit, server, folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years of work")
    command = ("--teacher", server.teacher, "--strategy", "label")
    assert "a folder with other files in it" in str(elicit(*command, out="mine").exception)
    assert "a folder for --out" in str(elicit(*command, out="seeds.jsonl").exception)
    assert server.asked == []


def test_recorded_replies_can_be_asked_again_without_the_teacher(elicit, folder):
    record(folder, "label", 12)
    result = elicit("--teacher", "replay:recorded", "--strategy", "label", "--json", "--format", "plain")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["kept"] == 12
    assert {path.rpartition("/")[2] for path in found["exports"]} == {
        "plain.jsonl",
        "plain.parquet",
        "dataset_info.json",
    }
    assert {sample.teacher for sample in read_corpus(folder / "out").samples} == {"replay:answering"}


def test_requests_that_fail_for_good_are_said_and_exit_1(elicit, folder):
    record(folder, "label", 9)
    result = elicit("--teacher", "replay:recorded", "--strategy", "label")
    assert result.exit_code == 1
    assert "3 requests failed; the same command asks them again" in result.stderr
    assert re.search(r"^kept +9$", result.stdout, re.M)
    assert re.search(r"^dropped +3 \(failed 3\)$", result.stdout, re.M)
    assert "note: 3 requests failed for good" in result.stdout


def test_protected_items_are_kept_out(elicit, server, folder):
    (folder / "test.jsonl").write_text('{"id": "held", "prompt": "What is 3 plus 2?"}\n')
    result = elicit("--teacher", server.teacher, "--strategy", "label", "--protect", "test.jsonl", "--json")
    assert json.loads(result.stdout)["dropped"] == {"overlap": 1}
    (dropped,) = [sample for sample in read_corpus(folder / "out").samples if sample.dropped]
    assert (dropped.seed_ids, dropped.overlaps) == (("3",), ("held",))


def test_answers_are_verified_unless_that_is_switched_off(elicit, server, folder):
    (folder / "known.jsonl").write_text('{"id": 1, "prompt": "1 + 1", "answer": 2}\n')
    command = ("--teacher", server.teacher, "--strategy", "label", "--json")
    assert json.loads(elicit(*command, seeds="known.jsonl").stdout)["dropped"] == {"verified": 1}
    assert json.loads(elicit(*command, "--no-verify", seeds="known.jsonl", out="other").stdout)["kept"] == 1


def test_a_template_of_ones_own(elicit, server, folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "label.yaml").write_text(
        "name: label\nversion: 7\nparts:\n  answer:\n    messages: [{role: user, content: 'Say it: {{prompt}}'}]\n"
    )
    result = elicit("--teacher", server.teacher, "--strategy", "label", "--templates", "mine", "--json")
    assert json.loads(result.stdout)["template"] == "label@7"
    assert server.asked[0]["messages"][0]["content"].startswith("Say it: What is")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--teacher", "m", "--strategy", "label"),
            "a teacher as URL#MODEL for an OpenAI-compatible endpoint, hf:PATH",
        ),
        (("--teacher", "hf:", "--strategy", "label"), "a teacher as URL#MODEL"),
        (("--teacher", "hf:nowhere", "--strategy", "label"), "a checkpoint directory"),
        (("--teacher", "replay:nowhere", "--strategy", "label"), "the journal of a recorded teacher"),
        (("--teacher", "http://u:p@h/v1#m", "--strategy", "label"), "an address with a user name, a password"),
        (("--teacher", "http://h/v1#m", "--strategy", "lable"), "Did you mean 'label'"),
        (("--teacher", "http://h/v1#m", "--strategy", "seedless"), "how many samples are wanted"),
        (("--teacher", "http://h/v1#m", "--strategy", "feedback"), "a student for the strategy feedback"),
        (("--teacher", "http://h/v1#m", "--strategy", "label", "--max-usd", "1"), "the teacher's prices"),
        (("--teacher", "http://h/v1#m", "--strategy", "label", "--price-in", "1"), "both --price-in and --price-out"),
        (("--teacher", "http://h/v1#m", "--strategy", "label", "--format", "alpaca"), "an export format"),
        (("--teacher", "http://h/v1#m", "--strategy", "label", "--language", "xx"), "a language"),
        (("--teacher", "http://h/v1#m", "--strategy", "label", "--rpm", "0"), "a positive requests_per_minute"),
        (("--teacher", "http://h/v1#m", "--strategy", "label", "--templates", "nowhere"), "a folder of templates"),
    ],
)
def test_mistakes_are_said_before_anything_is_made(elicit, folder, arguments, said):
    result = elicit(*arguments)
    assert isinstance(result.exception, UserError)
    assert said in str(result.exception)
    assert not (folder / "out").exists()


def test_a_mistake_in_the_seeds_is_named_by_its_line(elicit, folder):
    (folder / "bad.jsonl").write_text('{"id": 1, "prompt": "x"}\n{"id": 2}\n')
    result = elicit("--teacher", "http://h/v1#m", "--strategy", "label", seeds="bad.jsonl")
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith("bad.jsonl:2: ")
    assert "seeds for the strategy label" in str(
        elicit("--teacher", "http://h/v1#m", "--strategy", "label", seeds=None).exception
    )


def test_a_limit_in_money_is_kept(elicit, server, folder):
    most = 3.5 * (20 + 2 * 10) / 1e6
    prices = ("--price-in", "1", "--price-out", "2", "--answer-tokens", "10", "--concurrency", "1")
    result = elicit("--teacher", server.teacher, "--strategy", "label", "--max-usd", str(most), *prices, "--json")
    found = json.loads(result.stdout)
    assert found["cost_usd"] <= most
    assert found["notes"] == [f"{found['kept']} samples, not every seed was used: the budget is spent"]


def test_batches_cost_the_share_that_is_said_and_pace_price_and_terms_ask_nothing_again(elicit, folder):
    base = ("--strategy", "label", "--json", "--batch", "--price-in", "1000", "--price-out", "3000")
    with BatchServer() as server:
        command = ("--teacher", f"{server.url}#m", *base)
        costs = []
        for more in ((), ("--batch-price", "0.25", "--terms", "new", "--concurrency", "2")):
            result = elicit(*command, *more)
            assert result.exit_code == 0, result.output
            costs.append(json.loads(result.stdout)["cost_usd"])
        bill = server.paid.total() * (7 * 1000 + 5 * 3000) / 1e6
    with BatchServer() as elsewhere:
        assert elicit("--teacher", f"{elsewhere.url}#m", *base).exit_code == 0
        assert not elsewhere.batches
    assert len(server.batches) == 1
    assert costs == pytest.approx([bill / 2, bill / 4])
