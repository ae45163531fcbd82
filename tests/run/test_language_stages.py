"""Stages in which a language model itself writes, on a tiny model with random weights: what each job does and refuses."""

import json

import polars as pl
import pytest
from tests.train.hf.models import small_model, small_tokenizer

from gauger.cli import main
from gauger.run.opening import open_study, plan_loaded

STUDY = """
study: own-samples
question: Does every stage run in which the student writes?
replicates: 1
world:
  kind: language
  tasks:
    sums: {{kind: reasoning-gym, task: chain_sum, train: 12, test: 4, new: 4,
           settings: {{min_terms: 2, max_terms: 2, max_digits: 1, min_digits: 1}}}}
    facts: {{kind: invented-facts, entities: 8, families: 2, relations: 2}}
  common: [facts]
  benchmark_items: 4
teacher: {teacher}
student: {{kind: checkpoint, model: model, lora: {{rank: 2, alpha: 4}}}}
benchmarks:
  sums-qa: {{role: targeted}}
  sums-cloze-new: {{role: near}}
arms:
  scored:
    stages:
      - {{kind: on-policy-distill, seeds: benchmark-train, forms: [qa, cloze], prompts: 8, steps: 2, batch: 4,
         learning_rate: 0.01, web_share: 0.25, top_k: 5}}
  judged:
    start: scored
    stages:
      - {{kind: sft, source: reference, forms: [qa], samples: 40, steps: 30, batch: 8, learning_rate: 0.03}}
      - {{kind: preference, judge: {judge}, seeds: reference, forms: [qa], prompts: 8, candidates: 16, steps: 2,
         batch: 4, learning_rate: 0.01}}
decoding: {{max_new_tokens: 6}}
unparsed: wrong
verdict: {{arm: scored, threshold: 0.25}}
"""
SPECIALIST = (
    "{kind: checkpoint, model: model, lora: null, "
    "specialise: {forms: [qa], samples: 40, steps: 60, batch: 8, learning_rate: 0.03}, "
    "surface: {log_probabilities: full}}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("stages")
    small_model().save_pretrained(str(place / "model"))
    small_tokenizer().save_pretrained(str(place / "model"))
    return place


def study(folder, name, **parts):
    path = folder / f"{name}.yaml"
    path.write_text(STUDY.format(**({"teacher": SPECIALIST, "judge": "teacher"} | parts)))
    return path


@pytest.fixture(scope="module")
def finished(folder):
    path = study(folder, "both")
    assert main(["run", str(path), "--out", str(folder / "run"), "--workers", "1"]) == 0
    return path, folder / "run"


def test_a_study_with_both_stages_runs_to_a_report(finished):
    path, out = finished
    plan, _ = plan_loaded(open_study(path))
    document = json.loads((out / "estimates.json").read_text())
    assert not document["failures"]
    records = pl.read_parquet(out / "records.parquet")
    assert records.group_by("arm", "replicate").len().height == len(plan.cells)
    assert document["ledger"]
