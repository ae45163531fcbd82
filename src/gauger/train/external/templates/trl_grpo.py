"""Reinforces with TRL on the questions that Gauger wrote: ``accelerate launch trl_grpo.py CONFIG.json``.

What an answer is worth Gauger says, at the address in GAUGER_REWARD_URL and for the token in GAUGER_REWARD_TOKEN. An
answer with the reward null is not learnt from. Where nothing comes back the training ends: an answer that nobody has
graded is not a wrong one. It imports nothing of Gauger: copy it (and trl_shared.py) and change what you like.
"""

import json
import os
from http.client import HTTPConnection
from urllib.parse import urlsplit

from trl import GRPOConfig, GRPOTrainer
from trl_shared import OurSchedule, adapter_of, common_settings, read_config, read_model, read_rows, train

PATIENCE_S = 600


class OurGrpoTrainer(OurSchedule, GRPOTrainer):
    """TRL's trainer with our learning rate."""


class GaugerReward:
    """Asks Gauger what answers are worth."""

    __name__ = "gauger"

    def __init__(self, end_marks):
        self.end_marks = end_marks

    def __call__(self, completions, completion_ids, id, trainer_state, **columns):
        """Return one reward an answer; None where it must not be learnt from."""
        texts = [answer if isinstance(answer, str) else answer[-1]["content"] for answer in completions]
        ended = [bool(ids) and ids[-1] in self.end_marks for ids in completion_ids]
        told = {"step": trainer_state.global_step, "id": list(id), "answer": texts, "ended": ended}
        headers = {
            "Authorization": f"Bearer {os.environ['GAUGER_REWARD_TOKEN']}",
            "Content-Type": "application/json",
        }
        place = urlsplit(os.environ["GAUGER_REWARD_URL"])
        line = HTTPConnection(place.hostname, place.port, timeout=PATIENCE_S)
        line.request("POST", place.path, json.dumps(told), headers)
        response = line.getresponse()
        given = json.load(response)
        line.close()
        if response.status != 200:
            raise RuntimeError(f"no rewards: {given}")
        return given["reward"]


def settings_of(config):
    """Return TRL's settings: every batch of answers makes one step, and is used `updates` times."""
    return GRPOConfig(
        **common_settings(config, config["batch"]),
        num_generations=config["group"],
        num_iterations=config["updates"],
        max_completion_length=config["answer_tokens"],
        temperature=1.0,
        beta=config["kl_weight"],
        epsilon=config["clip"],
        loss_type=config["loss_type"] or "dr_grpo",
        shuffle_dataset=False,
        disable_dropout=True,
    )


def end_marks_of(model, tokenizer):
    """Return the tokens that end an answer.

    Parameters
    ----------
    model : PreTrainedModel
        With its own settings of generation.
    tokenizer : PreTrainedTokenizerBase
        The model's.
    """
    marks = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *(marks if isinstance(marks, list) else [marks])} - {None}


def main():
    """Train, and write the model."""
    config = read_config()
    model, tokenizer = read_model(config)
    trainer = OurGrpoTrainer(
        model=model,
        args=settings_of(config),
        reward_funcs=GaugerReward(end_marks_of(model, tokenizer)),
        train_dataset=read_rows(config),
        processing_class=tokenizer,
        peft_config=adapter_of(config, model),
    )
    train(trainer, config)


if __name__ == "__main__":
    main()
