"""What a plan takes of GPUs: hours by the formula, memory by the formula, and a job that does not fit is refused."""

import json

import pytest

from gauger.cli import main
from gauger.errors import UserError
from gauger.execute.devices import memory_gb
from gauger.study import gpu_costs
from gauger.study.costs import Costs
from gauger.study.gpu_costs import TRAINING_FLOPS, WRITING_FLOPS, gpu_hours, job_gb, memory_by_kind, require_memory
from gauger.study.load import open_study, plan_loaded

STUDY = """
study: large
question: What does it take?
replicates: 2
world:
  kind: language
  tasks:
    facts: {kind: invented-facts, entities: 12, families: 3, relations: 2}
    others: {kind: invented-facts, entities: 8, families: 2, relations: 2}
  common: [others]
  benchmark_items: 6
teacher: {kind: endpoint, url: 'http://127.0.0.1:9/v1', model: m}
student: {kind: checkpoint, model: model, lora: null}
benchmarks: {facts-qa: {role: targeted}, facts-qa-new: {role: near}}
arms:
  label:
    stages:
      - {kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 6, steps: 20, batch: 4}
decoding: {max_new_tokens: 100}
verdict: {arm: label, threshold: 0.25}
"""
WEIGHTS, LAYERS, WIDTH = 1_000_000_000, 16, 2048
CONFIG = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 32, "num_key_value_heads": 8}
CONFIG |= {"intermediate_size": 3 * WIDTH, "vocab_size": 50_000, "tie_word_embeddings": False}
ADAPTER = 4 * LAYERS * (2 * 2 * WIDTH + 2 * (WIDTH + WIDTH // 4) + 3 * (WIDTH + 3 * WIDTH))
"""Weights of an adapter of rank 4: rank (in + out) of seven matrices in every layer."""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG | {"dtype": "bfloat16"}))
    with (tmp_path / "model" / "model.safetensors").open("wb") as file:
        file.truncate(2 * WEIGHTS)  # a hole: it takes no room
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def costs_of(path, *overrides):
    return Costs(*plan_loaded(open_study(path, overrides)))


def test_hours_are_those_of_the_formula(path):
    costs = costs_of(path)
    longest = costs.row_tokens + 100
    trained = sum(job.kind == "train" for job in costs.plan.jobs.values()) * 20 * 4 * longest
    students = sum(job.kind == "measure" for job in costs.plan.jobs.values()) - 1  # the teacher answers elsewhere
    items = sum(len(costs.world.benchmark(name).items) for name in ("facts-qa", "facts-qa-new"))
    seconds = 6 * WEIGHTS * trained / TRAINING_FLOPS + 2 * WEIGHTS * students * items * longest / WRITING_FLOPS
    assert gpu_hours(costs) == pytest.approx(seconds / 3600)
    assert gpu_hours(costs_of(path, "decoding.max_new_tokens=200")) > gpu_hours(costs)


def test_small_models_of_the_embedded_world_need_no_gpu(tiny_study):
    costs = costs_of(tiny_study)
    assert gpu_hours(costs) is None
    assert memory_by_kind(costs) == {}


def of_training(costs):
    return max(job_gb(costs, job) for job in costs.plan.jobs.values() if job.kind == "train")


def test_memory_is_that_of_the_formula(path, monkeypatch):
    full = 16 * WEIGHTS + 34 * 1024 * WIDTH * LAYERS * 2 + 2**30
    by_kind = memory_by_kind(costs_of(path))
    assert set(by_kind) == {"train", "measure", "ask-base", "gather"}
    assert list(by_kind.values()) == sorted(by_kind.values(), reverse=True)
    assert by_kind["train"] == pytest.approx(full / 1e9)
    adapter = 4 * WEIGHTS + 16 * ADAPTER + 34 * 1024 * WIDTH * LAYERS * 2 + 2**30
    lora = costs_of(path, "student.lora={rank: 4}")
    assert max(job_gb(lora, job) for job in lora.plan.jobs.values() if job.kind == "train") == pytest.approx(
        adapter / 1e9
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    halved = 2 * WEIGHTS + 16 * ADAPTER + 34 * 1024 * WIDTH * LAYERS + 2**30
    assert max(job_gb(lora, job) for job in lora.plan.jobs.values() if job.kind == "train") == pytest.approx(
        halved / 1e9
    )


def trained_gb(path, computing, lora="{rank: 4}"):
    return of_training(costs_of(path, f"student.lora={lora}", f"student.computing={computing}"))


def test_memory_knows_how_the_engine_computes(path, monkeypatch):
    kept, around = 34 * 1024 * WIDTH * LAYERS, 2 * 50_000 * WIDTH  # in bfloat16; embeddings and a head of its own
    halved = 2 * WEIGHTS + 16 * ADAPTER + kept + 2**30
    assert trained_gb(path, "{precision: bfloat16}") == pytest.approx(halved / 1e9)
    assert trained_gb(path, "{precision: bfloat16}", "null") == pytest.approx((16 * WEIGHTS + kept + 2**30) / 1e9)
    again = halved - kept + 2 * 1024 * WIDTH * LAYERS + 34 * 1024 * WIDTH
    assert trained_gb(path, "{precision: bfloat16, checkpoint_activations: true}") == pytest.approx(again / 1e9)
    rows = costs_of(path).row_tokens + 100
    for packed, seen in (("", rows), (", pack_rows: true", 1024)):
        eager = halved + 5 * 1024 * seen * 32 * LAYERS
        assert trained_gb(path, f"{{precision: bfloat16, attention: eager{packed}}}") == pytest.approx(eager / 1e9)
    more = trained_gb(path, "{precision: bfloat16, tokens_together: 8192}")
    assert more == pytest.approx((halved + 7 * kept) / 1e9)
    assert trained_gb(path, "{pack_rows: true}") == trained_gb(path, "{}"), "as many tokens together"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("gauger.study.computing.find_spec", lambda name: name)
    quantised = halved - 2 * WEIGHTS + 0.52 * (WEIGHTS - around) + 2 * around
    assert trained_gb(path, "{quantise_base: nf4}") == pytest.approx(quantised / 1e9)
    assert trained_gb(path, "{precision: float32}") > trained_gb(path, "{}")


def test_one_row_longer_than_what_goes_through_together_counts_whole(path):
    long = costs_of(path, "student.lora={rank: 4}", "decoding.max_new_tokens=5000")
    together = long.row_tokens + 5000
    wanted = 4 * WEIGHTS + 16 * ADAPTER + 34 * together * WIDTH * LAYERS * 2 + 2**30
    assert of_training(long) == pytest.approx(wanted / 1e9)


def test_a_model_is_asked_in_the_precision_that_was_chosen(path):
    def of_measuring(costs):
        return max(
            job_gb(costs, job) for job in costs.plan.jobs.values() if job.kind == "measure" and job.arm == "base"
        )

    exact, rounded = (
        of_measuring(costs_of(path, f"student.computing={{precision: {p}}}")) for p in ("float32", "bfloat16")
    )
    assert exact - 2**30 / 1e9 == pytest.approx(2 * (rounded - 2**30 / 1e9))


def test_a_choice_can_make_a_job_fit(path, monkeypatch):
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 5.0)
    with pytest.raises(UserError, match=r"5\.0 GB of this machine.*checkpoint_activations"):
        require_memory(costs_of(path, "student.lora={rank: 4}"))
    require_memory(costs_of(path, "student.lora={rank: 4}", "student.computing={precision: bfloat16}"))


def test_keys_and_values_count_where_a_model_is_asked(path):
    costs = costs_of(path)
    measured = [job_gb(costs, job) for job in costs.plan.jobs.values() if job.kind == "measure"]
    tokens = 64 * (costs.row_tokens + 100)
    asked = 4 * WEIGHTS + tokens * 2 * LAYERS * WIDTH * (8 / 32) * 4 + 2**30
    assert next(one for one in measured if one is not None) == pytest.approx(asked / 1e9)
    assert None in measured, "the teacher is elsewhere"
    served = costs_of(path, "student.serve={command: 's {model} {port}'}")
    assert {job_gb(served, job) for job in served.plan.jobs.values() if job.kind == "measure"} == {None}


def test_what_does_not_fit_is_refused_before_it_runs(path, monkeypatch, capsys):
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 24.0)
    require_memory(costs_of(path, "student.lora={rank: 4}"))
    require_memory(costs_of(path))
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 16.0)
    require_memory(costs_of(path, "student.lora={rank: 4}"))
    with pytest.raises(UserError, match=r"16\.0 GB of this machine, got about .* GB for label .* text-distill"):
        require_memory(costs_of(path))
    assert main(["run", str(path), "--out", str(path.parent / "run")]) == 2
    assert "Train an adapter" in capsys.readouterr().err
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: None)
    require_memory(costs_of(path))


def test_the_plan_says_it(path, capsys, monkeypatch):
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 24.0)
    assert main(["plan", str(path)]) == 0
    said = capsys.readouterr().out
    assert "on GPUs    about" in said
    assert "memory     about 19.4 GB for the largest job of our own engine (train 19.4, " in said
    assert "refused" not in said
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 16.0)
    assert main(["plan", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["memory_here_gb"] == 16.0
    assert main(["plan", str(path)]) == 0
    assert "this machine has 16.0 GB for a job: here the run would be refused" in capsys.readouterr().out


def test_the_machine_s_memory_is_read(tmp_path):
    (tmp_path / "meminfo").write_text("MemFree: 5 kB\nMemTotal:       16384000 kB\n")
    assert memory_gb(0, tmp_path / "meminfo") == pytest.approx(16384000 * 1024 / 1e9)
    assert memory_gb(0, tmp_path / "nowhere") is None
    assert memory_gb(1) is None or memory_gb(1) > 1  # as nvidia-smi says, where there is one
