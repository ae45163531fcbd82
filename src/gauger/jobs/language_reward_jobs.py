"""The function behind reinforcement learning of language models: own answers, rewarded by the verifier (GRPO).

Parameters and input directories in, files out, as in `stage_jobs.py` for the embedded world.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import ceil
from pathlib import Path

from gauger.elicit.twin_text_samples import read_text_rows, write_ledger
from gauger.jobs.language_jobs import row_of, token_counter, world_of
from gauger.jobs.language_models import Inputs, Params, Plain, keep, options_of, read_model, schedule_of
from gauger.jobs.language_stage_jobs import form_of, student_wrote
from gauger.jobs.trained import trained, write_training
from gauger.spec import TextSource
from gauger.store.atomic import write_json
from gauger.train.hf.decode import Completion, Decoding
from gauger.train.hf.reinforce import GrpoLoss, Play
from gauger.train.hf.reinforce import train_on_rewards as play_for_rewards
from gauger.train.hf.rows import encode_prompt
from gauger.worlds.language import FORMS, TextWorld
from gauger.worlds.language.forms import read_strictly
from gauger.worlds.language.sources import VerifierError


def reward_of(world: TextWorld, prompt: str, answer: Completion) -> float | None:
    """Return the verifier's score of an answer, 0-1, and 0 where it did not end or lacks the form.

    None where the verifier breaks on it, or it touches what a benchmark holds out.
    """
    if world.overlaps(prompt + answer.text):
        return None
    found = world.read(prompt)
    said = read_strictly(answer.text, form_of(world, prompt)) if answer.ended else None
    if said is None or found is None:
        return 0.0
    try:
        return min(max(float(world.verify(found[1], said)), 0.0), 1.0)
    except VerifierError:
        return None


def train_on_rewards(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on its own answers to questions, rewarded where they are right."""
    world = world_of(params)
    prompts = [prompt for prompt, _, _ in read_text_rows(inputs["corpus"])]
    model, tokenizer = read_model(inputs, "start")
    play = Play(
        tuple(row_of(params, prompt, "", False).prompt for prompt in prompts),
        lambda place, answer: reward_of(world, prompts[place], answer),
        Decoding(params["max_new_tokens"], temperature=1.0),
        params["group"],
        params["batch"],
        params["updates"],
        tuple(FORMS[form_of(world, prompt)].stops for prompt in prompts),
    )
    options = options_of(params, GrpoLoss(params["clip"], params["kl_weight"]))
    found = play_for_rewards(model, tokenizer, play, schedule_of(params), options)
    keep(found.model, tokenizer, inputs, out)
    asked = [len(encode_prompt(tokenizer, prompt)) for prompt in play.prompts]
    counts = Counter((p, answer.text, asked[p] + len(answer.ids), reward is None) for p, answer, reward in play.drawn)
    rows = [
        replace(said, dropped=("overlap" if said.overlaps else "verifier failed") if left_out else None)
        for place, text, _, left_out in counts
        for said in [student_wrote(world, prompts[place], text, "rl")]
    ]
    write_ledger(rows, out, token_counter(Plain("student", model, tokenizer, chat=params["world"]["chat"])))
    times = params["steps"] / ceil(params["steps"] / params["updates"])
    lengths = [n_tokens for _, _, n_tokens, _ in counts]
    learnt = [0.0 if row.dropped else times * count for row, count in zip(rows, counts.values(), strict=True)]
    own = trained(TextSource.STUDENT, lengths, learnt)
    write_training(out, [own], found.losses, rewards=play.rewards)
    write_json(out / "notes.json", [])
