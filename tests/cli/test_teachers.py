"""What a teacher on a command line becomes."""

from dataclasses import replace
from pathlib import Path

import pytest

from gauger.cli.teachers import Access, Wire, _checkpoint, json_object, named_values, open_teacher
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.api.pacing import Pace
from gauger.elicit.collect import collect_corpus
from gauger.elicit.strategies.registry import program
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.budget import QueryBudget
from gauger.errors import MissingExtraError, UserError
from gauger.train.hf.models import write_checkpoint
from train.models import small_llama, small_tokenizer


def access(**limits):
    return Access(QueryBudget(**limits), Pace(3), "own", 3)


def test_an_address_is_an_endpoint_with_its_terms_and_budget():
    budget = QueryBudget(max_queries=2)
    teacher = open_teacher("http://localhost:1/v1#m", Access(budget, Pace(3), "own"))
    assert isinstance(teacher, OpenAIEndpoint)
    assert (teacher.name, teacher.terms, teacher.budget) == ("http://localhost:1/v1#m", "own", budget)


def test_a_checkpoint_answers_within_its_budget(tmp_path):
    write_checkpoint(small_llama(), small_tokenizer(), tmp_path / "model")
    teacher = open_teacher(f"hf:{tmp_path / 'model'}", access(max_queries=3))
    own = [Seed(id=str(n), prompt=f"{n} + {n}?") for n in range(5)]
    corpus = collect_corpus(teacher, program("label").limited(max_tokens=4), own)
    assert sum(sample.took.queries for sample in corpus.samples) == 3
    assert all(sample.took.tokens_out <= 4 and sample.terms == "own" for sample in corpus.samples)
    assert {sample.teacher for sample in corpus.samples} == {f"hf:{tmp_path / 'model'}"}
    assert corpus.notes[0].endswith("not every seed was used: the budget is spent")


def test_what_a_checkpoint_needs_is_named_where_it_is_not_installed(monkeypatch):
    def lacking(name):
        raise ModuleNotFoundError("no transformers here", name="transformers")

    monkeypatch.setattr("gauger.train.engine_of", lacking)
    with pytest.raises(MissingExtraError, match=r"pip install 'gauger\[hf\]'"):
        open_teacher("hf:somewhere", access())


def test_a_base_model_without_a_chat_template_continues_plain_text_by_choice(tmp_path):
    tokenizer = small_tokenizer()
    tokenizer.chat_template = None
    write_checkpoint(small_llama(), tokenizer, tmp_path / "base")
    own, run = [Seed(id="a", prompt="2 + 2?")], program("label").limited(max_tokens=4)
    with pytest.raises(UserError, match="a model with a chat template"):
        collect_corpus(open_teacher(f"hf:{tmp_path / 'base'}", access(max_tokens=500)), run, own)
    plain = replace(access(max_tokens=500), wire=Wire(plain=True))
    assert collect_corpus(open_teacher(f"hf:{tmp_path / 'base'}", plain), run, own).samples[0].took.tokens_out


def test_a_packaged_model_is_unpacked_into_the_cache_and_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = []

    def unpack(reference, out):
        asked.append((reference, out))
        return out

    assert _checkpoint(unpack, "packaged:small") == tmp_path / "gauger" / "models" / "small"
    assert asked == [("packaged:small", tmp_path / "gauger" / "models" / "small")]
    assert _checkpoint(unpack, "there") == Path("there")
    assert len(asked) == 1


def test_requests_go_out_in_batches_by_choice_and_an_answer_is_the_same():
    assert not open_teacher("http://localhost:1/v1#m", access())._batch
    wire = Wire(batch=True)
    assert open_teacher("http://localhost:1/v1#m", replace(access(), wire=wire))._batch
    assert wire.decisive == {}, "a folder may be gone on with either way"


def test_what_is_sent_besides_reaches_the_endpoint_and_mistakes_are_named():
    wire = Wire("low", 0.5, {"seed": None}, {"X-A": "b"}, {"api-version": "1"}, 9.0, stream=True)
    teacher = open_teacher("http://localhost:1/v1#m", replace(access(), wire=wire))
    place, patience = teacher._conduct.place, teacher._conduct.patience
    assert (place.headers, place.sent_query, patience.total_s) == ({"X-A": "b"}, "?api-version=1", 9.0)
    assert (place.dialect.effort, place.dialect.top_p, place.dialect.stream) == ("low", 0.5, True)
    assert wire.decisive == {"effort": "low", "top p": 0.5, "extra": {"seed": None}}
    assert Wire().decisive == {}
    for wrong in ("a", "=b", "a=1,"):
        given = [wrong, "a=2"] if wrong == "a=1," else [wrong]
        with pytest.raises(UserError, match="NAME=VALUE, each name once"):
            named_values(given, "--header")
    for wrong in ("[]", "{", "7"):
        with pytest.raises(UserError, match="as a JSON object"):
            json_object(wrong, "--extra")
