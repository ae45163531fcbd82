"""lm-eval and Inspect ask our items, offline, and their logs come back as the records that we measure ourselves."""

import socket

import pytest

from gauger.errors import UserError
from gauger.measure.answers import SCHEMA, Decoding, measure
from gauger.measure.evaluators.inspect import evaluate_with_inspect
from gauger.measure.evaluators.lm_eval import evaluate_with_lm_eval
from gauger.measure.hf_decoder import HfDecoder
from gauger.worlds.language.items import TextBenchmark
from measure.evaluators.tiny_model import model, tokenizer
from measure.test_language import Scripted
from worlds.language.small import small_world

pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*MemoryObject.*:pytest.PytestUnraisableExceptionWarning"),
]
"""What the evaluators warn of in the packages that they use."""
FROM_LOGS = [name for name in SCHEMA if name not in ("tokens_in", "tokens_out", "said")]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(self, address):
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def first(name, n=4):
    made = small_world().benchmark(name)
    return TextBenchmark(made.name, made.skill, made.form, made.description, made.items[:n])


def talks(prompt, seed):
    """Say what is right, or something else, in one format or another, or nothing."""
    _, question = small_world().read(prompt)
    kinds = [
        f" {question.answer}",
        f"The answer is {question.answer}",
        f"<answer>{question.answer}</answer>",
        " 1000",
        "",
    ]
    return kinds[(len(prompt) + seed) % len(kinds)]


def test_inspect_gives_the_records_of_our_own_measurement(tmp_path):
    benchmarks, decoding = [first("sums-qa", 6), first("facts-tagged", 6)], Decoding(8, temperature=1.0, samples=2)
    theirs = evaluate_with_inspect(Scripted(talks), benchmarks, decoding, small_world(), tmp_path)
    ours = measure(Scripted(talks), benchmarks, decoding, small_world())
    order = ["benchmark", "item", "sample"]
    assert theirs.schema == ours.schema
    assert theirs.select(FROM_LOGS).sort(order).equals(ours.select(FROM_LOGS).sort(order))
    assert ours["score"].n_unique() == 3
    assert len(list(tmp_path.glob("*.eval"))) == 2


def test_lm_eval_asks_a_model_as_it_is(tmp_path):
    words = tokenizer()
    tiny = model(words)
    benchmarks = [first("sums-qa"), first("facts-tagged")]
    theirs = evaluate_with_lm_eval(tiny, words, benchmarks, Decoding(6), small_world(), tmp_path)
    ours = measure(HfDecoder(tiny, words), benchmarks, Decoding(6), small_world())
    assert theirs.schema == ours.schema
    named = ["benchmark", "item", "cluster", "sample"]
    assert theirs.select(named).equals(ours.select(named))
    assert theirs["score"].drop_nulls().to_list() == ours["score"].drop_nulls().to_list()
    assert len(list(tmp_path.rglob("samples_*.jsonl"))) == 2


def test_lm_eval_reads_and_verifies_as_we_do(tmp_path, monkeypatch):
    """The same model's words through both: replaced by words that are worth something."""
    from lm_eval.models.huggingface import HFLM

    words = tokenizer()

    def says(self, requests, **_):
        return [talks(request.args[0], 0) for request in requests]

    monkeypatch.setattr(HFLM, "generate_until", says)
    benchmarks = [first("sums-qa", 12), first("facts-tagged", 12)]
    theirs = evaluate_with_lm_eval(model(words), words, benchmarks, Decoding(8), small_world(), tmp_path)
    ours = measure(Scripted(lambda prompt, seed: talks(prompt, 0)), benchmarks, Decoding(8), small_world())
    assert theirs.select(FROM_LOGS).equals(ours.select(FROM_LOGS))


def test_lm_eval_draws_nothing(tmp_path):
    with pytest.raises(UserError, match="greedy"):
        evaluate_with_lm_eval(None, None, [], Decoding(8, temperature=1.0), small_world(), tmp_path)
