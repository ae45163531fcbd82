"""`computing` of a study file: refused at plan where it cannot be, in a job's address where it can move a result."""

import json

import pytest

from gauger.cli import main
from gauger.errors import UserError
from gauger.execute import devices
from gauger.spec import fingerprint
from gauger.study import computing as checks
from gauger.study.load import open_study, plan_loaded

STUDY = """
study: computed
question: What does it change?
replicates: 1
world:
  kind: language
  tasks:
    facts: {kind: invented-facts, entities: 12, families: 3, relations: 2}
    others: {kind: invented-facts, entities: 8, families: 2, relations: 2}
  common: [others]
  benchmark_items: 6
teacher:
  kind: checkpoint
  model: model
  specialise: {forms: [qa], samples: 6, steps: 2}
student: {kind: checkpoint, model: model}
benchmarks: {facts-qa: {role: targeted}, facts-qa-new: {role: near}}
arms:
  label:
    stages:
      - {kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 6, steps: 20, batch: 4}
  judged:
    start: label
    stages:
      - {kind: preference, judge: truth, seeds: benchmark-train, forms: [qa], prompts: 4, candidates: 2, steps: 1,
         batch: 2}
verdict: {arm: label, threshold: 0.25}
"""
CONFIG = {"hidden_size": 64, "num_hidden_layers": 2, "model_type": "llama"}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model" / "model.safetensors").write_bytes(b"")
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def planned(path, *overrides):
    return plan_loaded(open_study(path, overrides))[0]


def kinds_changed(path, override):
    """Kinds of the jobs of the base, the teacher and the arms whose address is another than without."""
    before, after = planned(path), planned(path, override)
    assert len(before.jobs) == len(after.jobs)
    return {(job.arm == "teacher", job.kind) for job in after.jobs.values() if job.key not in before.jobs}


TRAINED = {(False, "train"), (False, "train-on-pairs")}
BEHIND = {(False, "measure"), (False, "draw-pairs")}
"""What reads a student that was trained otherwise: its inputs are others."""


@pytest.mark.parametrize("choice", ["{}", "{checkpoint_activations: true}", "{precision: null, pack_rows: false}"])
def test_what_changes_no_result_is_in_no_address(path, choice):
    assert kinds_changed(path, f"student.computing={choice}") == set()
    assert kinds_changed(path, f"teacher.computing={choice}") == set()


@pytest.mark.parametrize(
    "choice",
    ["precision: bfloat16", "precision: float32", "attention: eager", "pack_rows: true", "tokens_together: 64"],
)
def test_what_can_move_a_result_is(path, choice):
    changed = kinds_changed(path, f"student.computing={{{choice}}}")
    assert changed >= TRAINED | BEHIND
    assert not {kind for is_teachers, kind in changed if is_teachers}


def test_packing_changes_trainings_and_not_the_measuring_of_the_base(path):
    def of_base(plan):
        return next(job.key for job in plan.jobs.values() if job.arm == "base" and job.kind == "measure")

    plain = of_base(planned(path))
    assert of_base(planned(path, "student.computing={pack_rows: true}")) == plain
    assert of_base(planned(path, "student.computing={precision: bfloat16}")) != plain
    assert of_base(planned(path, "student.computing={attention: eager}")) != plain


def test_the_teacher_s_is_its_own(path):
    changed = kinds_changed(path, "teacher.computing={precision: bfloat16}")
    assert {(True, "specialise"), (True, "measure")} <= changed


def test_jobs_get_what_was_chosen_and_only_then(path):
    plain = planned(path)
    assert not any("computing" in json.dumps(job.to_dict()) for job in plan_jobs(plain))
    chosen = {"precision": "bfloat16", "attention": "eager", "checkpoint_activations": True, "pack_rows": True}
    plan = planned(path, f"student.computing={json.dumps(chosen)}")
    for job in plan_jobs(plan):
        if job.kind.startswith("train"):
            assert job.params["computing"] | chosen == job.params["computing"]
        elif job.kind in ("measure", "draw-pairs") and job.arm != "teacher":
            told = job.params["asked"] if job.kind == "measure" else job.params
            asked = {name: value for name, value in told["computing"].items() if value}
            assert asked == {"precision": "bfloat16", "attention": "eager"}


def plan_jobs(plan):
    return list(plan.jobs.values())


def test_the_fingerprint_is_that_of_before_where_nothing_is_chosen(path):
    plain = fingerprint(planned(path).study)
    assert fingerprint(planned(path, "student.computing=null").study) == plain
    assert fingerprint(planned(path, "student.computing={precision: bfloat16}").study) != plain


# --- refused ------------------------------------------------------------------------------------------------------


def test_another_engine_than_hf_has_no_such_choice(path):
    with pytest.raises(UserError, match=r"student.computing.*the engine hf.*got tiny"):
        planned(path, "student.computing={precision: float32}", "student.engine=tiny")


@pytest.mark.parametrize(
    ("choice", "package", "module"),
    [
        ("attention: flash_attention_2", "flash-attn", "flash_attn"),
        ("quantise_base: nf4", "bitsandbytes", "bitsandbytes"),
    ],
)
def test_what_needs_a_gpu_and_a_package_says_which_is_missing(path, monkeypatch, choice, package, module):
    there = {module}
    monkeypatch.setattr(checks, "find_spec", lambda name: name if name in there else None)
    override = f"student.computing={{{choice}}}"
    with pytest.raises(UserError, match=rf"a GPU and the package {package} .* got no GPU here\."):
        planned(path, override)
    monkeypatch.setenv(devices.VISIBLE, "0")
    assert planned(path, override).jobs
    there.clear()
    with pytest.raises(UserError, match=rf"got {package} not installed"):
        planned(path, override)


def test_four_bits_need_an_adapter(path):
    with pytest.raises(UserError, match=r"student.computing.quantise_base.*an adapter to train, got lora: null"):
        planned(path, "student.computing={quantise_base: nf4}", "student.lora=null")


def test_flash_attention_has_no_float32(path, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: name)
    monkeypatch.setenv(devices.VISIBLE, "0")
    with pytest.raises(UserError, match="bfloat16 for flash_attention_2, got float32"):
        planned(path, "student.computing={attention: flash_attention_2, precision: float32}")


def test_a_model_that_carries_a_state_along_is_not_packed(path):
    config = CONFIG | {"model_type": "lfm2", "layer_types": ["conv", "full_attention"]}
    (path.parent / "model" / "config.json").write_text(json.dumps(config))
    assert planned(path, "student.computing={attention: sdpa}").jobs
    with pytest.raises(UserError, match=r"pack_rows.*by attention alone, got lfm2 with conv"):
        planned(path, "student.computing={pack_rows: true}")


def test_a_mistake_prints_without_traceback(path, capsys):
    assert main(["plan", str(path), "--set", "student.computing={attention: flash}"]) == 2
    assert "sdpa" in capsys.readouterr().err
    assert main(["plan", str(path), "--set", "student.computing={quantise_base: nf4}"]) == 2
    assert "no GPU here" in capsys.readouterr().err
