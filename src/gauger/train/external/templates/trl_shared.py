"""What the scripts for TRL share: files, sizes of passes, the learning rate of Gauger's own engine, lines of the log.

It imports nothing of Gauger: copy it with the script that uses it, and change what you like.
"""

import json
import sys
from math import cos, pi

from accelerate import PartialState
from datasets import load_dataset
from torch.nn import Linear
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback


class LossLines(TrainerCallback):
    """Prints one line of JSON a step."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Print the step and its loss."""
        if state.is_world_process_zero and logs and "loss" in logs:
            print(json.dumps({"step": state.global_step, "loss": float(logs["loss"])}), flush=True)


class OurSchedule:
    """A learning rate that rises in the warm-up and falls along half a cosine over all steps; for a Trainer."""

    rising = 1

    def create_scheduler(self, num_training_steps, optimizer=None):
        """Set the learning rate of every step."""

        def share(step):
            return min((step + 1) / self.rising, 0.5 + 0.5 * cos(pi * step / num_training_steps))

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler


def read_config():
    """Return the configuration that Gauger wrote."""
    with open(sys.argv[1], encoding="utf-8") as file:
        return json.load(file)


def micro_batch_of(batch, wanted, processes):
    """Return the rows of one pass on one process: the most that divide its share of a step.

    Parameters
    ----------
    batch : int
        Rows of a step.
    wanted : int, optional
        Most of them; None: as many as there are.
    processes : int
        Among which the step is shared.
    """
    own = batch // processes
    if own * processes != batch:
        sys.exit(f"batch: {batch} rows cannot be shared equally by {processes} processes")
    return max(size for size in range(1, own + 1) if own % size == 0 and size <= (wanted or own))


def common_settings(config, batch):
    """Return the settings that every trainer of TRL has.

    Parameters
    ----------
    config : dict
        What Gauger wrote.
    batch : int
        Rows of a step, as that trainer counts them.
    """
    processes = PartialState(cpu=config["cpu"]).num_processes
    micro = micro_batch_of(batch, config["micro_batch"], processes)
    return {
        "output_dir": config["checkpoints"],
        "max_steps": config["steps"],
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": batch // micro // processes,
        "learning_rate": config["learning_rate"],
        "weight_decay": 0.0,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_steps": config["checkpoint_steps"],
        "save_total_limit": 2,
        "seed": config["seed"],
        "data_seed": config["seed"],
        "bf16": config["bf16"],
        "gradient_checkpointing": config["gradient_checkpointing"],
        "use_cpu": config["cpu"],
        "dataloader_pin_memory": not config["cpu"],
        "deepspeed": config["deepspeed"],
        "disable_tqdm": True,
        "report_to": "none",
    }


def read_model(config):
    """Return the model and its tokenizer."""
    # first: then under FSDP one process alone holds all weights in the machine's memory
    PartialState(cpu=config["cpu"])
    model = AutoModelForCausalLM.from_pretrained(
        config["model"],
        dtype="bfloat16" if config["bf16"] and config["lora"] else "float32",
        attn_implementation=config["attention"],
        local_files_only=True,
    )
    return model, AutoTokenizer.from_pretrained(config["model"], local_files_only=True)


def read_rows(config):
    """Return the rows that Gauger wrote, in their order."""
    return load_dataset("json", data_files=config["data"], split="train", cache_dir=config["checkpoints"] + "/cache")


def matrices_of_text(model):
    """Return the names of the matrices that get an adapter, none of what looks at images; PEFT's word for all else."""
    if model.config.get_text_config() is model.config:
        return "all-linear"
    of_text = set(model.get_decoder().modules())
    return [name for name, module in model.named_modules() if isinstance(module, Linear) and module in of_text]


def adapter_of(config, model):
    """Return PEFT's settings of the adapter; None where all weights are trained.

    Parameters
    ----------
    config : dict
        What Gauger wrote.
    model : PreTrainedModel
        Whose layers are counted.
    """
    lora = config["lora"]
    if lora is None:
        return None
    from peft import LoraConfig

    depth = model.config.get_text_config().num_hidden_layers
    layers = None if lora["layers"] is None else list(range(depth - lora["layers"], depth))
    return LoraConfig(
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        target_modules=matrices_of_text(model),
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )


def train(trainer, config):
    """Train, or go on from a checkpoint, and write the model.

    Parameters
    ----------
    trainer : Trainer
        With `OurSchedule`.
    config : dict
        What Gauger wrote.
    """
    trainer.rising = config["warmup_steps"]
    trainer.add_callback(LossLines())
    trainer.train(resume_from_checkpoint=config["resume"])
    trainer.save_model(config["out"])
