"""Fine-tunes with TRL what Gauger wrote: ``accelerate launch trl_sft.py CONFIG.json``.

Rows are taken in the order of the file, without shuffling or dropout, and with AdamW and the learning rates of Gauger's
own engine, so that both have the same loss curve on the same rows in float32. It imports nothing of Gauger: copy it and
change what you like.
"""

import json
import sys
from math import cos, pi

from datasets import load_dataset
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class LossLines(TrainerCallback):
    """Prints one line of JSON a step."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Print the step and its loss."""
        if state.is_world_process_zero and logs and "loss" in logs:
            print(json.dumps({"step": state.global_step, "loss": float(logs["loss"])}), flush=True)


class Trainer(SFTTrainer):
    """TRL's trainer with a learning rate that rises in the warm-up and falls along half a cosine over all steps."""

    rising = 1

    def create_scheduler(self, num_training_steps, optimizer=None):
        """Set the learning rate of every step."""

        def share(step):
            return min((step + 1) / self.rising, 0.5 + 0.5 * cos(pi * step / num_training_steps))

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler


def micro_batch_of(batch, wanted, processes):
    """Return the rows of one pass on one process: the most that divide its share of a step."""
    own = batch // processes
    if own * processes != batch:
        sys.exit(f"batch: {batch} rows cannot be shared equally by {processes} processes")
    return max(size for size in range(1, own + 1) if own % size == 0 and size <= (wanted or own))


def settings_of(config, processes):
    """Return TRL's settings."""
    micro = micro_batch_of(config["batch"], config["micro_batch"], processes)
    return SFTConfig(
        output_dir=config["checkpoints"],
        max_steps=config["steps"],
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config["batch"] // micro // processes,
        learning_rate=config["learning_rate"],
        weight_decay=0.0,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_steps=config["checkpoint_steps"],
        save_total_limit=2,
        seed=config["seed"],
        data_seed=config["seed"],
        train_sampling_strategy="sequential",
        shuffle_dataset=False,
        packing=False,
        max_length=None,
        completion_only_loss=config["format"] != "messages",
        assistant_only_loss=config["format"] == "messages",
        bf16=config["bf16"],
        gradient_checkpointing=config["gradient_checkpointing"],
        use_cpu=config["cpu"],
        dataloader_pin_memory=not config["cpu"],
        deepspeed=config["deepspeed"],
        disable_tqdm=True,
        report_to="none",
    )


def adapter_of(config, model):
    """Return PEFT's settings of the adapter; None where all weights are trained."""
    lora = config["lora"]
    if lora is None:
        return None
    from peft import LoraConfig

    depth = model.config.num_hidden_layers
    layers = None if lora["layers"] is None else list(range(depth - lora["layers"], depth))
    return LoraConfig(
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        target_modules="all-linear",
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )


def main():
    """Train, and write the model."""
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    from accelerate import PartialState

    settings = settings_of(config, PartialState().num_processes)
    model = AutoModelForCausalLM.from_pretrained(
        config["model"],
        dtype="bfloat16" if config["bf16"] and config["lora"] else "float32",
        attn_implementation=config["attention"],
        local_files_only=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(config["model"], local_files_only=True)
    rows = load_dataset("json", data_files=config["data"], split="train", cache_dir=config["checkpoints"] + "/cache")
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=adapter_of(config, model),
        callbacks=[LossLines()],
    )
    trainer.rising = config["warmup_steps"]
    trainer.train(resume_from_checkpoint=config["resume"])
    trainer.save_model(config["out"])


if __name__ == "__main__":
    main()
