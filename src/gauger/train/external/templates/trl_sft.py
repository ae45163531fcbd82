"""Fine-tunes with TRL what Gauger wrote: ``accelerate launch trl_sft.py CONFIG.json``.

Rows are taken in the order of the file, without shuffling or dropout, and with AdamW and the learning rates of Gauger's
own engine, so that both have the same loss curve on the same rows in float32. It imports nothing of Gauger: copy it
(and trl_shared.py) and change what you like.
"""

from trl import SFTConfig, SFTTrainer
from trl_shared import OurSchedule, adapter_of, common_settings, read_config, read_model, read_rows, train


class OurSftTrainer(OurSchedule, SFTTrainer):
    """TRL's trainer with our learning rate."""


def settings_of(config):
    """Return TRL's settings."""
    return SFTConfig(
        **common_settings(config, config["batch"]),
        train_sampling_strategy="sequential",
        shuffle_dataset=False,
        packing=False,
        max_length=None,
        loss_type=config["loss_type"] or "nll",
        completion_only_loss=config["format"] != "messages",
        assistant_only_loss=config["format"] == "messages",
    )


def main():
    """Train, and write the model."""
    config = read_config()
    model, tokenizer = read_model(config)
    trainer = OurSftTrainer(
        model=model,
        args=settings_of(config),
        train_dataset=read_rows(config),
        processing_class=tokenizer,
        peft_config=adapter_of(config, model),
    )
    train(trainer, config)


if __name__ == "__main__":
    main()
