"""Rephrased items are found among the nearest stretches, wherever the corpus is cut; without the parts it is said."""

import zlib

import numpy as np
import pytest

from gauger.audit import AuditQuestion, audit_corpora, audit_document, corpora, nearest_stretches, rephrased, vectors
from gauger.audit import audit as audit_module
from gauger.audit.nearest_stretches import NEAREST, NearestStretches
from gauger.audit.stretches import Stretch, stretches_of
from gauger.errors import MissingExtraError

from .cases import Writer, write_lines


class BagOfWords:
    """Stands in for both encoders: a vector is the sum of one random direction a word."""

    def of(self, texts):
        found = np.zeros((len(texts), 64), np.float32)
        for k, text in enumerate(texts):
            for word in text.lower().replace(".", " ").replace("?", " ").split():
                found[k] += np.random.default_rng(zlib.crc32(word.encode())).standard_normal(64)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)


@pytest.fixture
def stand_in(monkeypatch):
    for module in (nearest_stretches, rephrased):
        monkeypatch.setattr(module, "StaticVectors", BagOfWords)
    monkeypatch.setattr(rephrased, "SentenceModel", BagOfWords)
    monkeypatch.setattr(audit_module, "require_vectors", lambda: None)


@pytest.mark.parametrize("size", [5_000, 10_000_000])
def test_shuffled_items_are_found_by_vectors_alone(tmp_path, monkeypatch, stand_in, size):
    monkeypatch.setattr(corpora, "SHARD_BYTES", size)
    writer = Writer(8)
    items = [writer.item(24) for _ in range(20)]
    texts = [writer.text(80) for _ in range(40)]
    for k in range(6):
        words = items[k].rstrip("?").split()
        writer.rng.shuffle(words)
        texts[k * 5] += f" {' '.join(words)}. " + texts[1]
    path = write_lines(tmp_path / "c.jsonl", [{"text": text} for text in texts])
    against = write_lines(tmp_path / "b.jsonl", [{"id": str(k), "prompt": text} for k, text in enumerate(items)])
    question = AuditQuestion({"c": [path]}, [(None, against)], n_planted=8, nets=("vectors",), workers=1)
    document = audit_document(audit_corpora(question))
    found = {one["item"]: one for one in document["items"] if one["flag"] and one["net"] == "vectors"}
    assert {str(k) for k in range(6)} <= found.keys()
    assert found["3"]["spans"][0]["document"].endswith("c.jsonl:16")
    assert not any(one["flag"] for one in document["items"] if one["net"] == "n-grams")
    rates = {one["class"]: one for one in document["nets"] if one["net"] == "vectors"}
    assert rates["verbatim"]["n_planted"] == 8
    assert rates["verbatim"]["recall"] == 1.0
    assert rates["verbatim"]["n_negatives"] == 40


def test_the_nearest_are_kept_one_of_each_record():
    nearest = NearestStretches.nothing(1)
    rng = np.random.default_rng(0)
    seen = {}
    for _ in range(200):
        row, cosine = int(rng.integers(30)), float(np.float32(rng.random()))
        seen[row] = max(cosine, seen.get(row, 0))
        nearest.take(0, cosine, ("c", "p", row, Stretch(f"{cosine}", "")))
    wanted = sorted(seen.items(), key=lambda one: -one[1])[:NEAREST]
    assert [(one[2], float(one[3].text)) for one in nearest.stretches[0]] == wanted
    assert nearest.cosines[0].tolist() == pytest.approx([cosine for _, cosine in wanted])


def test_stretches_hold_whole_sentences_of_every_size():
    text = "One two three. Four five six! Seven eight nine? Ten."
    found = list(stretches_of(text, (3, 6)))
    assert [one.text for one in found][:2] == ["One two three.", "One two three. Four five six!"]
    assert all(any(word in one.text for one in found) for word in text.split())
    assert list(stretches_of("", (3, 6))) == []
    long = " ".join(f"w{k}" for k in range(50))
    assert max(len(one.text.split()) for one in stretches_of(long, (4, 8))) <= 12


def test_a_stretch_is_fitted_to_the_length_of_an_item():
    (first, *_) = stretches_of("One two three. Four five six! Seven eight nine? Ten.", (3,))
    assert first.text == "One two three."
    assert first.fitted(2) == "One two three."
    assert first.fitted(9) == "One two three. Four five six! Seven eight nine?"
    assert first.fitted(900) == "One two three. Four five six! Seven eight nine? Ten."


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(vectors, "find_spec", lambda _: None)
    path = write_lines(tmp_path / "c.jsonl", [{"id": "1", "prompt": "text of an item"}])
    with pytest.raises(MissingExtraError, match=r"gauger\[audit\]"):
        audit_corpora(AuditQuestion({"c": [path]}, [(None, path)], nets=("vectors",)))
    with pytest.raises(MissingExtraError, match=r"gauger\[audit\]"):
        vectors.StaticVectors()


def test_an_unknown_net_is_named(tmp_path):
    path = write_lines(tmp_path / "c.jsonl", [{"id": "1", "prompt": "text of an item"}])
    with pytest.raises(Exception, match="Did you mean 'vectors'"):
        audit_corpora(AuditQuestion({"c": [path]}, [(None, path)], nets=("vector",)))
