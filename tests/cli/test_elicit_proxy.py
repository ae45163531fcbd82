"""gauger elicit with a defence that reckons with a student: a proxy from local files, and what is refused."""

import json

import pytest
import typer
from tests.train.models import small_llama, tokenizer
from typer.testing import CliRunner

from elicit.teacher.answering import Answering
from gauger.cli.elicit import register
from gauger.elicit.corpus import read_corpus
from gauger.errors import UserError
from gauger.train.hf.models import write_checkpoint


@pytest.fixture
def elicit(tmp_path):
    for name, seed in (("teacher", 3), ("proxy", 7)):
        write_checkpoint(small_llama(seed, sharp=20.0), tokenizer(), tmp_path / name)
    seeds = [
        {"id": f"s{n}", "prompt": prompt, "answer": "red"}
        for n, prompt in enumerate(("2+2=", "name a colour", "the sun rises"))
    ]
    (tmp_path / "seeds.jsonl").write_text("\n".join(map(json.dumps, seeds)))

    app = typer.Typer()
    register(app)

    def run(out, *more, teacher="teacher"):
        command = ["--teacher", f"hf:{tmp_path / teacher}", "--strategy", "label", "--plain", "--no-verify"]
        command += ["--seeds", str(tmp_path / "seeds.jsonl"), "--out", str(tmp_path / out), "--answer-tokens", "6"]
        result = CliRunner().invoke(app, [*command, *more])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return [row.answer for row in read_corpus(tmp_path / out).samples]

    return run


def proxy_of(tmp_path):
    return ("--proxy", f"hf:{tmp_path / 'proxy'}")


def test_the_product_at_full_strength_is_the_proxy(elicit, tmp_path):
    plain, proxy = elicit("plain"), elicit("alone", teacher="proxy")
    product = elicit("product", "--defence", "product-of-experts", *proxy_of(tmp_path))
    untouched = elicit("zero", "--defence", "product-of-experts:0")
    assert len(plain) == 3
    assert sorted(product) == sorted(proxy)
    assert sorted(untouched) == sorted(plain) != sorted(proxy)


def test_what_is_missing_or_too_much_is_said(elicit, tmp_path):
    with pytest.raises(UserError, match=r"a proxy student with the teacher's tokens.*--proxy hf:PATH"):
        elicit("none", "--defence", "product-of-experts")
    with pytest.raises(UserError, match="beside --proxy"):
        elicit("more", "--defence", "heat", *proxy_of(tmp_path))
    with pytest.raises(UserError, match="follows instructions"):
        elicit("plain-rewrite", "--defence", "rewrite")


def test_another_model_rewrites_what_a_teacher_says_whose_use_alone_is_on_the_bill(elicit, tmp_path, monkeypatch):
    """A helper of random weights never comes to an end, so that what it wrote again is dropped as cut off."""
    helped, teacher = ("--helper", f"hf:{tmp_path / 'proxy'}"), Answering(lambda request: "It is red.")
    monkeypatch.setattr("gauger.cli.elicit_order.open_teacher", lambda text, access: teacher)
    assert set(elicit("untouched", "--defence", "rewrite:0", *helped)) == {"It is red."}
    elicit("helped", "--defence", "rewrite", *helped)
    assert len(teacher.asked) == 6, "nobody asks it to rewrite"
    rows, first = (read_corpus(tmp_path / name).samples for name in ("helped", "untouched"))
    assert {row.dropped for row in rows} == {"truncated"}
    assert {(row.took.tokens_in, row.took.tokens_out, row.took.queries) for row in (*rows, *first)} == {(10, 3, 1)}
    with pytest.raises(UserError, match="--helper as hf:PATH"):
        elicit("elsewhere", "--defence", "rewrite", "--helper", "http://host.example/v1#m")
    with pytest.raises(UserError, match="beside a helper"):
        elicit("heated", "--defence", "heat", *helped)
