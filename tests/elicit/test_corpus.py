"""Corpora on disk, their ledger, their lineage, and exports that other programs read."""

import json
from dataclasses import replace

import polars as pl
import pytest

from elicit.teacher.answering import Answering, plain, seeds
from gauger.elicit import corpus as corpus_module
from gauger.elicit.collect import Setting, collect_corpus
from gauger.elicit.corpus import Corpus, Text, read_corpus, read_texts, write_corpus
from gauger.elicit.export import FORMATS, export_corpus
from gauger.elicit.lineage import lineage
from gauger.elicit.sample import Sample, digest, plain_sample
from gauger.elicit.sample_rows import LEDGER
from gauger.elicit.strategies.registry import STRATEGIES, program
from gauger.elicit.strategies.seeds import Seed, read_seeds
from gauger.elicit.teacher.messages import Message
from gauger.errors import InputError, UserError
from gauger.store import streams


def collect(strategy, wanted=6, own=None):
    student = Answering(lambda request: f"guess {request.seed}", "student")
    own = seeds(8) if own is None else own
    return collect_corpus(Answering(plain), program(strategy), own, wanted, setting=Setting(student=student))


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_corpus_comes_back_as_it_was(tmp_path, strategy):
    corpus = collect(strategy)
    corpus.write_whole(tmp_path)
    back = read_corpus(tmp_path)
    assert back.samples == tuple(replace(sample, seed=None) for sample in corpus.samples)
    assert back.notes == corpus.notes


def test_the_ledger_has_a_row_for_everything_and_the_columns_of_every_corpus(tmp_path):
    corpus = collect("expand")
    corpus.write_whole(tmp_path, lambda samples: [7] * len(samples))
    ledger = pl.read_parquet(tmp_path / "ledger.parquet")
    assert ledger.schema == pl.Schema(LEDGER)
    assert ledger.height == len(corpus.samples)
    assert ledger["length"].unique().to_list() == [7]
    assert ledger["cost_usd"].sum() == pytest.approx(0.001 * ledger["queries"].sum())
    first = ledger.row(0, named=True)
    assert (first["dropped"], first["template"], first["terms"]) == ("step", "expand@2", "for tests")
    assert (first["benchmark"], first["split"], first["seconds"]) == ("sums", "train", 0.5)


def test_files_agree_with_each_other(tmp_path):
    corpus = collect("label")
    corpus.write_whole(tmp_path)
    lines, table = rows(tmp_path / "corpus.jsonl"), pl.read_parquet(tmp_path / "corpus.parquet")
    assert [line["id"] for line in lines] == table["id"].to_list() == [sample.id for sample in corpus.kept]
    assert lines[0]["messages"][-1] == {"role": "assistant", "content": corpus.kept[0].answer}
    assert lines[0]["seed_ids"] == list(corpus.kept[0].seed_ids)
    assert table["whole"].to_list() == [False] * 6
    assert read_texts(tmp_path) == [Text(sample.prompt_text, sample.answer, whole=False) for sample in corpus.kept]
    assert json.loads((tmp_path / "notes.json").read_text()) == []


def test_a_studys_corpus_is_the_same_without_its_lines(tmp_path):
    corpus = collect("expand")
    corpus.write(tmp_path / "study")
    corpus.write_whole(tmp_path / "whole")
    tables = {"corpus.parquet", "ledger.parquet", "seeds.parquet", "notes.json"}
    assert {path.name for path in (tmp_path / "study").iterdir()} == tables
    assert {path.name for path in (tmp_path / "whole").iterdir()} == tables | {"corpus.jsonl", "dropped.jsonl"}
    for name in tables:
        assert (tmp_path / "study" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert lineage(tmp_path / "study").equals(lineage(tmp_path / "whole"))
    assert lineage(tmp_path / "study").height > 0


def drafts():
    """Samples with lists of every length, one by one: some of them dropped."""
    for number in range(40):
        names = tuple(f"part {part}, of {number}" for part in range(number % 4))
        sample = plain_sample(f"ask {number} ?", f" {number}", "label", "teacher", seed_ids=names, overlaps=names[1:])
        yield replace(sample, filters=("form",) * (number % 3), dropped="form" if number % 5 == 0 else None)


def test_samples_that_come_one_by_one_are_written_in_one_pass(tmp_path, monkeypatch):
    """Groups of rows, samples turned at once and lists of parts: nothing of it is seen in what is read back."""
    whole = Corpus(tuple(drafts()))
    whole.write(tmp_path / "whole")
    monkeypatch.setattr(streams, "GROUP_ROWS", 7)
    monkeypatch.setattr(corpus_module, "_AT_ONCE", 3)
    write_corpus(tmp_path / "pieces", drafts(), notes=["a note"])
    for name in ("ledger.parquet", "corpus.parquet", "seeds.parquet"):
        assert pl.read_parquet(tmp_path / "pieces" / name).equals(pl.read_parquet(tmp_path / "whole" / name)), name
    assert read_texts(tmp_path / "pieces") == read_texts(tmp_path / "whole")
    assert json.loads((tmp_path / "pieces" / "notes.json").read_text()) == ["a note"]
    literal = [{"seed_ids": list(one.seed_ids), "overlaps": list(one.overlaps)} for one in whole.samples]
    assert pl.read_parquet(tmp_path / "pieces" / "ledger.parquet").select("seed_ids", "overlaps").to_dicts() == literal
    whole.write_whole(tmp_path / "lines")
    assert read_corpus(tmp_path / "lines") == whole


def test_samples_that_break_off_leave_no_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "GROUP_ROWS", 7)
    monkeypatch.setattr(corpus_module, "_AT_ONCE", 3)
    with pytest.raises(ZeroDivisionError):
        write_corpus(tmp_path, (sample for sample in drafts() if 1 / (sample.answer != " 30")))
    assert list(tmp_path.rglob("*")) == []


def test_an_empty_corpus_has_all_its_columns(tmp_path):
    Corpus(()).write_whole(tmp_path)
    assert read_corpus(tmp_path) == Corpus(())
    assert lineage(tmp_path).columns == ["id", "seed", "benchmark", "split"]
    export_corpus(Corpus(()), tmp_path / "exports", list(FORMATS))
    assert pl.read_parquet(tmp_path / "exports" / "preference.parquet").columns == ["prompt", "chosen", "rejected"]


def test_lone_surrogates_do_not_stop_a_corpus_from_being_written(tmp_path):
    collect_corpus(Answering(lambda _: "half \ud83d"), program("label"), seeds(1)).write_whole(tmp_path)
    assert rows(tmp_path / "corpus.jsonl")[0]["messages"][1]["content"] == "half ?"


def test_what_is_no_corpus_is_said(tmp_path):
    with pytest.raises(InputError, match=r"ledger.parquet is missing"):
        read_corpus(tmp_path)
    with pytest.raises(InputError, match=r"corpus.parquet is missing"):
        lineage(tmp_path)
    collect("label").write_whole(tmp_path)
    (tmp_path / "corpus.jsonl").write_text("")
    with pytest.raises(InputError, match="two that differ"):
        read_corpus(tmp_path)


def test_lineage_names_the_benchmark_items_of_every_row(tmp_path):
    own = [
        Seed(id="q1", prompt="What is 1 plus 1?", benchmark="sums", split="train"),
        Seed(id="q2", prompt="Why is the sky blue?", benchmark="sky", split="dev"),
        Seed(id="q3", prompt="Who wrote this?"),
    ]
    corpus = collect("expand", 40, own)
    corpus.write_whole(tmp_path)
    items = {"q1": ("sums", "train"), "q2": ("sky", "dev"), "q3": (None, None)}
    expected = {(sample.id, key, *items[key]) for sample in corpus.kept for key in sample.seed_ids}
    assert set(lineage(tmp_path).iter_rows()) == expected
    assert max(sample.generation for sample in corpus.kept) > 1
    one = corpus.kept[0].id
    assert lineage(tmp_path, one)["id"].to_list() == [one]
    assert lineage(tmp_path, "none").height == 0


def test_lineage_follows_parents_whose_children_name_no_seeds(tmp_path):
    teacher = Sample((Message("user", "a"),), "b", dropped="step", seed_ids=("q",))
    child = Sample((Message("user", "c"),), "d", parents=(teacher.id,))
    grandchild = Sample((Message("user", "e"),), "f", parents=(child.id,))
    seed = Seed(id="q", prompt="p", benchmark="b", split="train")
    Corpus((teacher, child, grandchild), seeds=(seed,)).write_whole(tmp_path)
    assert set(lineage(tmp_path).iter_rows()) == {(one.id, "q", "b", "train") for one in (child, grandchild)}


def test_the_placebo_of_a_corpus_keeps_its_seeds(tmp_path):
    corpus = collect("expand")
    corpus.write_whole(tmp_path / "taught")
    placebo = collect("self", None, read_seeds(tmp_path / "taught" / "corpus.jsonl"))
    placebo.write_whole(tmp_path / "placebo")
    asked = {sample.prompt_text: sample for sample in corpus.kept}
    for sample in placebo.kept:
        assert sample.seed_ids == asked[sample.prompt_text].seed_ids
        assert sample.parents == (asked[sample.prompt_text].id,)
    assert set(lineage(tmp_path / "placebo")["benchmark"]) == {"sums"}


def test_exports_have_the_columns_that_trainers_read(tmp_path):
    corpus = collect("label")
    paths = export_corpus(corpus, tmp_path)
    assert {path.name for path in paths} == {
        *(f"{name}.{kind}" for name in ("messages", "prompt-completion", "plain") for kind in ("jsonl", "parquet")),
        "dataset_info.json",
    }
    sample, prompt, answer = corpus.kept[0], corpus.kept[0].prompt_text, corpus.kept[0].answer
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    assert rows(tmp_path / "messages.jsonl")[0] == {"messages": turns}
    assert rows(tmp_path / "prompt-completion.jsonl")[0] == {"prompt": turns[:1], "completion": turns[1:]}
    assert rows(tmp_path / "plain.jsonl")[0] == {"prompt": prompt, "completion": answer}
    for name in ("messages", "prompt-completion", "plain"):
        assert pl.read_parquet(tmp_path / f"{name}.parquet").to_dicts() == rows(tmp_path / f"{name}.jsonl")
    assert sample.rejected is None


def test_preference_pairs_are_exported_where_there_are_any(tmp_path):
    corpus = collect("feedback")
    export_corpus(corpus, tmp_path)
    first, plain_first = rows(tmp_path / "preference.jsonl")[0], rows(tmp_path / "preference-plain.jsonl")[0]
    assert first["prompt"] == [{"role": "user", "content": corpus.kept[0].prompt_text}]
    assert first["chosen"] == [{"role": "assistant", "content": corpus.kept[0].answer}]
    assert first["rejected"] == [{"role": "assistant", "content": corpus.kept[0].rejected}]
    assert plain_first["rejected"] == corpus.kept[0].rejected
    assert rows(tmp_path / "messages.jsonl")[0]["messages"][-1]["content"] == corpus.kept[0].answer


def test_dataset_info_describes_files_that_are_there_by_columns_that_they_have(tmp_path):
    export_corpus(collect("feedback"), tmp_path)
    described = json.loads((tmp_path / "dataset_info.json").read_text())
    assert set(described) == {"gauger_messages", "gauger_plain", "gauger_preference_plain"}
    for one in described.values():
        (row, *_) = rows(tmp_path / one["file_name"])
        assert set(one["columns"].values()) == set(row)
        if one.get("formatting") == "sharegpt":
            turn = row["messages"][0]
            assert {one["tags"]["role_tag"], one["tags"]["content_tag"]} == set(turn)
            assert turn["role"] == one["tags"]["user_tag"]
    assert described["gauger_preference_plain"]["ranking"] is True


def test_only_the_formats_asked_for_are_written(tmp_path):
    export_corpus(collect("label"), tmp_path, ["plain"])
    assert {path.name for path in tmp_path.iterdir()} == {"plain.jsonl", "plain.parquet", "dataset_info.json"}
    with pytest.raises(UserError, match=r"'message'. Did you mean 'messages'"):
        export_corpus(collect("label"), tmp_path, ["message"])


def test_ids_depend_on_every_text_and_on_where_one_ends():
    one = Sample((Message("user", "ab"),), "c")
    assert one.id == Sample((Message("user", "ab"),), "c", strategy="x").id
    others = [
        Sample((Message("user", "a"),), "bc"),
        Sample((Message("system", "ab"),), "c"),
        Sample((Message("user", "ab"),), "c", rejected=""),
    ]
    assert len({one.id, *(other.id for other in others)}) == 4
    assert digest("a", "b") != digest("ab")
