"""What a teacher on a command line becomes."""

import pytest

from gauger.cli.teachers import Access, open_teacher
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.api.pacing import Pace
from gauger.elicit.collect import collect_corpus
from gauger.elicit.strategies.registry import program
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.budget import QueryBudget
from gauger.errors import MissingExtraError
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
