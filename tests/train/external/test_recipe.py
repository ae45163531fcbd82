"""Commands and templates: what they may name, what they must, and that the ready ones say what the study decides."""

import json
from dataclasses import replace

import pytest
import yaml

from gauger.errors import UserError
from gauger.train.external.recipe import (
    NAMES,
    NEEDED,
    NEEDED_TOO,
    PlainNumber,
    check_trainer,
    filled_command,
    filled_template,
    is_named,
    launch_arguments,
    version_command,
)
from gauger.train.external.trainers import TRAINERS, ExternalTrainer

VALUES = {
    "answer_tokens": None,
    "batch": 16,
    "beta": None,
    "checkpoint_steps": 7,
    "checkpoints": "/w/checkpoints",
    "clip": None,
    "config": "/w/config.yaml",
    "data": "/w/data/rows.jsonl",
    "data_folder": "/w/data",
    "format": "messages",
    "gpus": 2,
    "group": None,
    "kl_weight": None,
    "launch": ["--num_processes", "2"],
    "layers": 12,
    "learning_rate": PlainNumber(3e-5),
    "longest": 777,
    "lora": None,
    "model": "/m/a model",
    "out": "/w/out",
    "precision": "bfloat16",
    "processes": 2,
    "python": "/bin/python",
    "resume": None,
    "script": "/w/trl_sft.py",
    "seed": 12345,
    "steps": 345,
    "updates": None,
    "warmup_steps": 17,
    "weights": ["model.safetensors"],
    "work": "/w",
}
LORA = {"rank": 9, "alpha": 18.0, "layers": 5}
OF_KIND = {
    "text": {},
    "preferences": {"beta": 0.3},
    "rewards": {"answer_tokens": 40, "group": 4, "kl_weight": 0.03, "clip": 0.25, "updates": 3},
}
"""What only some kinds of training have."""
CHOSEN = {
    "torchtune": {"model": "torchtune.models.llama3_2.llama3_2_1b", "model_type": "LLAMA3_2"},
}
"""Options without a default."""
SAID = {  # where each trainer's configuration says what: what its documentation calls it
    "trl": {"model": "model", "data": "data", "out": "out", "seed": "seed", "learning_rate": "learning_rate",
            "steps": "steps", "warmup_steps": "warmup_steps", "checkpoint_steps": "checkpoint_steps"},
    "axolotl": {"model": "base_model", "data": "datasets.0.path", "out": "output_dir", "seed": "seed",
                "learning_rate": "learning_rate", "steps": "max_steps",
                "checkpoint_steps": "save_steps", "longest": "sequence_len"},
    "llama-factory": {"model": "model_name_or_path", "data_folder": "dataset_dir", "out": "output_dir", "seed": "seed",
                      "learning_rate": "learning_rate", "steps": "max_steps",
                      "checkpoint_steps": "save_steps", "longest": "cutoff_len"},
    "torchtune": {"model": "checkpointer.checkpoint_dir", "data": "dataset.data", "out": "output_dir",
                  "seed": "seed", "learning_rate": "optimizer.lr", "steps": "max_steps_per_epoch"},
    "open-instruct": {"model": "model_name_or_path", "data": "dataset_mixer_list.0", "out": "output_dir",
                      "seed": "seed", "learning_rate": "learning_rate", "steps": "max_train_steps",
                      "longest": "max_seq_length"},
}  # fmt: skip
SAID |= {
    "trl-dpo": SAID["trl"] | {"beta": "beta"},
    "trl-grpo": SAID["trl"] | {name: name for name in OF_KIND["rewards"]},
}
AS_RUN = {  # of those that were run (validation/external/trainers.py): rows in their order, and our own engine's steps
    "axolotl": {"shuffle_merged_datasets": False, "curriculum_sampling": True, "sample_packing": False,
                "warmup_steps": 16, "adam_beta2": 0.98, "excess_length_strategy": "truncate"},
    "llama-factory": {"disable_shuffling": True, "warmup_steps": 16, "adam_beta2": 0.98, "template": None},
    "torchtune": {"shuffle": False, "lr_scheduler.num_warmup_steps": 16, "optimizer.betas": [0.9, 0.98],
                  "loss._component_": "torchtune.modules.loss.CEWithChunkedOutputLoss",
                  "dataset._component_": "torchtune_rows.WrittenRows", "optimizer_in_bwd": False},
}  # fmt: skip
SHARED_OUT = {"trl": ("micro_batch", None), "axolotl": ("micro_batch_size", "gradient_accumulation_steps"),
              "llama-factory": ("per_device_train_batch_size", "gradient_accumulation_steps"),
              "torchtune": ("batch_size", "gradient_accumulation_steps"),
              "open-instruct": ("per_device_train_batch_size", "gradient_accumulation_steps")}  # fmt: skip


def ready(name, **options):
    trainer = TRAINERS.load(name)
    return replace(trainer, options={**trainer.options, **CHOSEN.get(name, {}), **options})


def configuration(name, trainer=None, **values):
    trainer = trainer or ready(name)
    text = filled_template(trainer, VALUES | OF_KIND[trainer.learns] | values)
    return json.loads(text) if name.startswith("trl") else yaml.safe_load(text)


@pytest.mark.parametrize("name", ["axolotl", "llama-factory", "open-instruct", "torchtune"])
def test_a_step_of_fewer_rows_than_the_study_says_is_never_configured(name):
    with pytest.raises(UserError, match=r"a step of whole passes .* 16 rows, of which 3 on each of 2 are 6 a pass"):
        configuration(name, ready(name, micro_batch=3))
    with pytest.raises(UserError, match=r"Take a batch of 32, or a micro_batch of 1, 2, 4, 8\."):
        configuration(name, ready(name, micro_batch=16))


def at(config, path):
    for key in path.split("."):
        config = config[int(key)] if isinstance(config, list) else config[key]
    return config


@pytest.mark.parametrize("name", list(TRAINERS))
def test_a_ready_configuration_says_what_the_study_decides_where_its_trainer_looks_for_it(name):
    config, given = configuration(name), VALUES | OF_KIND[ready(name).learns]
    for value, path in SAID[name].items():
        assert at(config, path) == given[value], path
    micro, accumulated = SHARED_OUT.get(name, SHARED_OUT["trl"])
    if accumulated:  # rows of a pass x passes x processes make a step
        assert config[micro] * config[accumulated] * VALUES["processes"] == VALUES["batch"]
    assert configuration(name, ready(name, micro_batch=4))[micro] == 4
    check_trainer(ready(name))
    assert version_command(ready(name))


@pytest.mark.parametrize("name", list(AS_RUN))
def test_a_configuration_that_was_run_stays_as_it_was_run(name):
    config = configuration(name)
    assert {path: at(config, path) for path in AS_RUN[name]} == AS_RUN[name]


@pytest.mark.parametrize("name", ["axolotl", "llama-factory"])
def test_a_killed_training_goes_on_from_the_checkpoint_that_we_found(name):
    assert configuration(name)["resume_from_checkpoint"] is None
    assert configuration(name, resume="/w/out/checkpoint-7")["resume_from_checkpoint"] == "/w/out/checkpoint-7"
    assert is_named(ready(name), "resume")
    assert not is_named(ready("torchtune"), "resume"), "it saves nothing on its way"


def test_an_adapter_of_llama_factory_keeps_half_an_alpha():
    assert configuration("llama-factory", lora=LORA | {"alpha": 7.5})["lora_alpha"] == 7.5


def test_axolotl_trains_on_cpus_in_one_process_and_without_kernels_for_gpus():
    with pytest.raises(UserError, match="processes: 1 for axolotl where there are no GPUs"):
        configuration("axolotl", gpus=0)
    alone = configuration("axolotl", gpus=0, processes=1, lora=LORA)
    assert [alone[f"lora_{part}_kernel"] for part in ("mlp", "qkv", "o")] == [False] * 3
    assert "lora_mlp_kernel" not in configuration("axolotl", lora=LORA)


@pytest.mark.parametrize("name", ["llama-factory", "torchtune"])
def test_as_many_processes_are_started_as_the_batch_is_shared_by(name):
    """Adversary: llamafactory-cli starts one on CPUs, which would halve the batch, and on GPUs all that it sees."""
    command = filled_command(ready(name).command, VALUES)
    assert command[command.index("--nproc_per_node") + 1] == "2"


def test_torchtune_says_its_version_where_it_is_installed():
    assert version_command(ready("torchtune"))[0] == "python", "that of PATH, as `tune` is"


@pytest.mark.parametrize("name", ["trl", "trl-dpo", "trl-grpo", "axolotl", "llama-factory", "open-instruct"])
def test_an_adapter_is_passed_on(name):
    text = json.dumps(configuration(name, lora=LORA))
    assert "9" in text
    assert "18" in text
    assert text != json.dumps(configuration(name))


def test_an_adapter_that_a_template_has_no_place_for_is_refused():
    with pytest.raises(UserError, match=r"set student\.lora to null"):
        check_trainer(ready("torchtune"), adapter=True)
    with pytest.raises(UserError, match=r"Leave student.lora.layers out"):
        check_trainer(ready("llama-factory"), 3, adapter=True)
    check_trainer(ready("axolotl"), 3, adapter=True)
    assert configuration("axolotl", lora=LORA)["lora_layers_to_transform"] == [7, 8, 9, 10, 11]
    assert "lora_layers_to_transform" not in configuration("axolotl", lora=LORA | {"layers": None})


COMMAND = "train --m {model} --d {data} --o {out} --s {seed} --b {batch} --lr {learning_rate}"


@pytest.mark.parametrize("name", NEEDED)
def test_what_the_study_decides_must_reach_the_trainer(name):
    check_trainer(ExternalTrainer(COMMAND))
    lacking = ExternalTrainer(COMMAND.replace(f"{{{name}}}", "fixed"))
    with pytest.raises(UserError, match=f"a command or a template that uses {name},"):
        check_trainer(lacking)
    check_trainer(replace(lacking, command=lacking.command + " {config}", template=f"it: {{{{ {name} }}}}"))


@pytest.mark.parametrize(("learns", "name"), [(learns, name) for learns, names in NEEDED_TOO.items() for name in names])
def test_what_a_kind_of_training_needs_besides_must_reach_the_trainer_too(learns, name):
    options = " ".join(f"--{other} {{{other}}}" for other in NEEDED_TOO[learns])
    whole = ExternalTrainer(f"{COMMAND} {options}", learns=learns)
    check_trainer(whole)
    with pytest.raises(UserError, match=f"a command or a template that uses {name},"):
        check_trainer(replace(whole, command=whole.command.replace(f"{{{name}}}", "1")))


def test_questions_have_no_tokens():
    options = " ".join(f"--{other} {{{other}}}" for other in NEEDED_TOO["rewards"])
    with pytest.raises(UserError, match="a format for rewards, got 'tokens'"):
        check_trainer(ExternalTrainer(f"{COMMAND} {options}", learns="rewards", format="tokens"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": COMMAND + " {modle}"}, "'model'"),
        ({"command": COMMAND + " {model!r}"}, "a name alone in braces"),
        ({"command": COMMAND + " {model"}, "names in braces"),
        ({"command": COMMAND + " {lora}"}, "may name, got {lora}"),
        ({"template": "{{ modle }}", "command": COMMAND + " {config}"}, "'model'"),
        ({"template": "{% if %}", "command": COMMAND + " {config}"}, "line 1"),
        ({"template": "{{ model }}"}, "reads the configuration"),
        ({"template": "{{ options.x }}", "command": COMMAND + " {config}"}, "the option x"),
        ({"options": {"x": 1}}, "an option that the template uses, got 'x'"),
        ({"format": "parquet"}, "a format for text, got 'parquet'"),
        ({"command": COMMAND + " {beta}"}, "may name, got {beta}"),
        ({"progress": "loss: (.*)"}, r"a group \(\?P<loss>"),
        ({"failure": "("}, "a regular expression"),
        ({"output": "{there}"}, "may name, got {there}"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(UserError, match=message):
        check_trainer(replace(ExternalTrainer(COMMAND), **change))


def test_a_template_that_cannot_be_filled_in_says_why():
    with pytest.raises(UserError, match="ZeroDivisionError"):
        filled_template(replace(ExternalTrainer(""), template="{{ batch // (gpus * 0) }}"), VALUES)
    with pytest.raises(UserError, match="SecurityError"):  # a template is data: it reaches nothing of the program
        filled_template(replace(ExternalTrainer(""), template="{{ ''.__class__.__mro__ }}"), VALUES)


def test_a_path_with_a_space_stays_one_argument_and_launch_becomes_several():
    command = filled_command("{python} -m x {launch} '--m={model}' {config}", VALUES)
    assert command == ["/bin/python", "-m", "x", "--num_processes", "2", "--m=/m/a model", "/w/config.yaml"]
    with pytest.raises(UserError, match="a command line"):
        filled_command("x 'y", VALUES)


def test_accelerate_is_told_its_devices():
    two_on_cpus = launch_arguments(0, 2, "float32")
    assert "--cpu" in launch_arguments(0, 1, "float32")
    assert "--cpu" not in launch_arguments(1, 1, "bfloat16")
    assert "--multi_gpu" in launch_arguments(2, 2, "bfloat16")
    assert "--multi_gpu" not in launch_arguments(1, 1, "bfloat16")
    assert "--cpu" not in two_on_cpus, "with it accelerate starts one process, whatever number it is told"
    assert "--multi_gpu" in two_on_cpus
    one, two = launch_arguments(0, 1, "float32"), launch_arguments(0, 2, "float32")
    assert two[two.index("--num_processes") + 1] == "2"
    assert "--main_process_port" not in one
    assert "bf16" in launch_arguments(1, 1, "bfloat16")
    assert "bf16" not in one


def test_gpus_share_the_model_where_that_is_wanted_and_what_is_saved_is_whole():
    accelerate = pytest.importorskip("accelerate.commands.launch")
    arguments = launch_arguments(8, 8, "bfloat16", shared=True)
    told = accelerate.launch_command_parser().parse_args([*arguments, "script.py"])
    assert (told.use_fsdp, str(told.fsdp_version), told.num_processes) == (True, "2", 8)
    assert (told.fsdp_auto_wrap_policy, told.fsdp_state_dict_type) == ("TRANSFORMER_BASED_WRAP", "FULL_STATE_DICT")
    assert not told.multi_gpu, "accelerate takes one of the two"
    assert launch_arguments(0, 2, "float32", shared=True) == launch_arguments(0, 2, "float32")
    assert launch_arguments(1, 1, "bfloat16", shared=True) == launch_arguments(1, 1, "bfloat16")
    assert "--use_fsdp" not in launch_arguments(8, 8, "bfloat16")


@pytest.mark.parametrize("name", ["trl", "trl-dpo", "trl-grpo"])
def test_a_model_is_shared_in_one_way(name):
    check_trainer(ready(name, fsdp=True))
    configuration(name, ready(name, fsdp=True))
    with pytest.raises(UserError, match="one way to share a model among GPUs, got fsdp and deepspeed"):
        configuration(name, ready(name, fsdp=True, deepspeed="zero.json"))


def test_every_name_is_described_and_given():
    assert NAMES.keys() == VALUES.keys()


def test_a_small_learning_rate_is_a_number_to_every_reader():
    """Adversary: as Python writes it, YAML 1.1 reads a text, and a trainer may take its own rate instead."""
    rate = PlainNumber(3e-5)
    assert yaml.safe_load(f"{3e-5}") == "3e-05"
    assert yaml.safe_load(f"{rate}") == 3e-5
    assert filled_command("x {learning_rate}", {"learning_rate": rate}) == ["x", "0.00003"]
    assert json.loads(json.dumps({"rate": rate})) == {"rate": 3e-5}
