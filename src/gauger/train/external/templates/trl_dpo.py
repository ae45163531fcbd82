"""Optimises preferences with TRL on the pairs that Gauger wrote: ``accelerate launch trl_dpo.py CONFIG.json``.

Pairs are taken in the order of the file, without shuffling or dropout. In the format `tokens` every token is as Gauger
wrote it, so that our own engine has the same loss curve in float32. It imports nothing of Gauger: copy it (and
trl_shared.py) and change what you like.
"""

from torch.utils.data import SequentialSampler
from trl import DPOConfig, DPOTrainer
from trl_shared import OurSchedule, adapter_of, common_settings, read_config, read_model, read_rows, train


class OurDpoTrainer(OurSchedule, DPOTrainer):
    """TRL's trainer with our learning rate, rows in their order, and tokens as they were written."""

    def _prepare_dataset(self, dataset, *args, **kwargs):
        if "prompt_ids" in dataset.column_names:
            return dataset
        return super()._prepare_dataset(dataset, *args, **kwargs)

    def _get_train_sampler(self, dataset=None):
        return SequentialSampler(self.train_dataset if dataset is None else dataset)


def settings_of(config):
    """Return TRL's settings; a step's batch counts answers here, and pairs there."""
    return DPOConfig(
        **common_settings(config, config["batch"] // 2),
        beta=config["beta"],
        loss_type=[config["loss_type"] or "sigmoid"],
        max_length=None,
        disable_dropout=True,
    )


def main():
    """Train, and write the model."""
    config = read_config()
    model, tokenizer = read_model(config)
    trainer = OurDpoTrainer(
        model=model,
        args=settings_of(config),
        train_dataset=read_rows(config),
        processing_class=tokenizer,
        peft_config=adapter_of(config, model),
    )
    train(trainer, config)


if __name__ == "__main__":
    main()
