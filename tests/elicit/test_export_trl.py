"""TRL's own functions take the exported files for what they are."""

import pytest
from datasets import load_dataset
from trl.data_utils import apply_chat_template, is_conversational

from elicit.teacher.answering import Answering, plain, seeds
from gauger.elicit.collect import Setting, collect_corpus
from gauger.elicit.export import FORMATS, export_corpus
from gauger.elicit.strategies.registry import program
from train.models import small_tokenizer

CONVERSATIONS = {
    "messages": {"text"},
    "prompt-completion": {"prompt", "completion"},
    "preference": {"prompt", "chosen", "rejected"},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    setting = Setting(student=Answering(lambda request: f"guess {request.seed}", "student"))
    corpus = collect_corpus(Answering(plain), program("feedback"), seeds(3), setting=setting)
    export_corpus(corpus, folder)
    return corpus, folder


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", FORMATS)
def test_trl_reads_every_export(exported, tmp_path, name, kind):
    corpus, folder = exported
    reader = {"jsonl": "json", "parquet": "parquet"}[kind]
    rows = load_dataset(reader, data_files=str(folder / f"{name}.{kind}"), split="train", cache_dir=str(tmp_path))
    assert len(rows) == len(corpus.kept) == 3
    assert is_conversational(rows[0]) is (name in CONVERSATIONS)
    if name in CONVERSATIONS:
        formatted = apply_chat_template(rows[0], small_tokenizer())
        assert set(formatted) == CONVERSATIONS[name]
        assert corpus.kept[0].prompt_text in "".join(formatted.values())
        assert corpus.kept[0].answer in "".join(formatted.values())
    else:
        assert rows[0]["prompt"] == corpus.kept[0].prompt_text
