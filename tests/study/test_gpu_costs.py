"""What a plan takes of GPUs: hours by the formula, memory by the formula, and a job that does not fit is refused."""

import json

import pytest

from gauger.cli import main
from gauger.errors import UserError
from gauger.study import gpu_costs
from gauger.study.costs import Costs
from gauger.study.gpu_costs import (
    TRAINING_FLOPS,
    WRITING_FLOPS,
    gpu_hours,
    job_gb,
    memory_by_kind,
    program_memory,
    require_memory,
)
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
    assert set(by_kind) == {"train", "measure", "ask-base"}, "what is gathered is counted without weights"
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


# --- trained by TRL on GPUs ----------------------------------------------------------------------------------------


TAUGHT = "{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 6, steps: 2, batch: 4}"


def by_trl(path, options, lora="null", kind="external, trainer: trl, strategy: label", gpus=4, batch=16):
    """A plan with a stage that TRL does."""
    program = f"gpus: {gpus}, options: {options}"
    drawn = "samples: 64, " if kind.startswith("external,") else ""
    stage = f"kind: {kind}, {program}, seeds: benchmark-train, forms: [qa], {drawn}steps: 4, batch: {batch}"
    first = f"{TAUGHT}, " if "-rl" in kind else ""  # an arm of its own answers alone learns nothing from a teacher
    return costs_of(path, f"student.lora={lora}", f"arms.label.stages=[{first}{{{stage}}}]")


def trl_gb(path, options, *given, **settings):
    return program_memory(by_trl(path, options, *given, **settings))


def test_memory_of_a_training_by_trl_is_that_of_each_gpu(path):
    longest = costs_of(path).row_tokens + 100
    row = 34 * longest * WIDTH * LAYERS  # in bfloat16
    whole = (16 * WEIGHTS + 4 * row + 2**30) / 1e9  # 16 rows on 4 GPUs
    assert trl_gb(path, "{}") == {"train-external": pytest.approx(whole)}
    assert trl_gb(path, "{micro_batch: 3}")["train-external"] == pytest.approx(whole - 2 * row / 1e9), "3 divides no 4"
    shared = (16 * WEIGHTS / 4 + row + 2**30) / 1e9
    assert trl_gb(path, "{micro_batch: 1, fsdp: true}")["train-external"] == pytest.approx(shared)
    assert trl_gb(path, "{micro_batch: 1, fsdp: true}", gpus=1)["train-external"] == pytest.approx(
        (16 * WEIGHTS + row + 2**30) / 1e9
    )
    again = shared - row / 1e9 + (2 * longest * WIDTH * LAYERS + 34 * longest * WIDTH) / 1e9
    chosen = "{micro_batch: 1, fsdp: true, gradient_checkpointing: true}"
    assert trl_gb(path, chosen)["train-external"] == pytest.approx(again)
    adapter = (2 * WEIGHTS + 16 * ADAPTER + row + 2**30) / 1e9
    assert trl_gb(path, "{micro_batch: 1}", "{rank: 4}")["train-external"] == pytest.approx(adapter)
    eager = trl_gb(path, "{micro_batch: 1, attention: eager}")["train-external"]
    assert eager == pytest.approx((16 * WEIGHTS + row + 5 * longest * longest * 32 * LAYERS + 2**30) / 1e9)


def test_what_the_student_was_stands_beside_it_where_it_is_held_to_that(path):
    row = 34 * (costs_of(path).row_tokens + 100) * WIDTH * LAYERS
    pairs = "external-preference, trainer: trl-dpo, judge: teacher"
    of_pairs = trl_gb(path, "{micro_batch: 1, fsdp: true}", "null", pairs)
    assert of_pairs["train-external-on-pairs"] == pytest.approx((20 * WEIGHTS / 4 + 2 * row + 2**30) / 1e9)
    for weight, each in ((0.1, 20), (0, 16)):
        rewards = f"external-rl, trainer: trl-grpo, group: 4, kl_weight: {weight}"
        gb = trl_gb(path, "{micro_batch: 1}", "null", rewards)["train-external-on-rewards"]
        assert gb == pytest.approx((each * WEIGHTS + row + 2**30) / 1e9)


def test_of_other_programs_and_on_cpus_nobody_knows(path):
    assert trl_gb(path, "{deepspeed: zero.json}") == {}
    assert trl_gb(path, "{}", gpus=0) == {}
    assert trl_gb(path, "{}", "null", "external, trainer: llama-factory, format: plain, strategy: label") == {}


def test_a_training_by_trl_that_no_gpu_has_room_for_is_refused(path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 15.0)
    require_memory(by_trl(path, "{fsdp: true}"))
    with pytest.raises(UserError, match=r"15\.0 GB of this machine, got about 17\.\d GB on each GPU .*fsdp: true"):
        require_memory(by_trl(path, "{}"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    require_memory(by_trl(path, "{}"))  # where it will run nobody knows here


def test_the_plan_says_what_trl_takes_of_each_gpu(path, monkeypatch, capsys):
    stage = "kind: external, trainer: trl, gpus: 4, strategy: label, seeds: benchmark-train, forms: [qa], samples: 64"
    chosen = ["--set", f"arms.label.stages.0={{{stage}, steps: 4, batch: 16}}"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(gpu_costs, "memory_gb", lambda gpus: 15.0)
    assert main(["plan", str(path), *chosen]) == 0
    printed = capsys.readouterr().out
    assert "           about 17." in printed
    assert "GB on each of its GPUs for the largest training by TRL (train-external 17." in printed
    assert "this machine has 15.0 GB for a job: here the run would be refused" in printed
