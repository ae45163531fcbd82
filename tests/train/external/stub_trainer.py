"""A trainer of somebody else's: moves every weight by its rows, step by step, and goes on from its own checkpoints.

``python stub_trainer.py CONFIG.json``. It knows nothing of Gauger and nothing of PyTorch. What it makes of its rows is
decided by them, their order, the seed and the learning rate alone, so a training that was killed ends the same. With a
group it answers the rows' questions, has the answers graded, and is moved by the rewards too.
"""

import json
import os
import re
import shutil
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

import numpy as np
from safetensors.numpy import load_file, save_file


def load(place):
    return {name: value.astype(np.float32) for name, value in load_file(place / "model.safetensors").items()}


def save(weights, start, place):
    place.mkdir(parents=True, exist_ok=True)
    for path in start.iterdir():
        if path.is_file() and path.suffix != ".safetensors":
            shutil.copyfile(path, place / path.name)
    save_file(weights, place / "model.safetensors", metadata={"format": "pt"})


def answer_to(prompt, seed, n):
    """The last number of a question, or another."""
    chance = crc32(f"{prompt} {seed} {n}".encode())
    return f" {re.findall(r'[0-9]+', prompt)[-1] if chance % 2 else chance % 7}"


def graded(rows, config, step):
    """Answer the questions of a batch, `group` times each, and ask what that is worth."""
    per_batch = config["batch"] // config["group"]
    first = step // config["updates"] * per_batch
    asked = [json.loads(line) for line in rows[first : first + per_batch] for _ in range(config["group"])]
    answers = [answer_to(row["prompt"], config["seed"], step + n) for n, row in enumerate(asked)]
    told = {"step": step, "id": [row["id"] for row in asked], "answer": answers}
    told["ended"] = [n % 2 == 0 for n, _ in enumerate(asked)]
    place = urlsplit(os.environ["GAUGER_REWARD_URL"])
    line = HTTPConnection(place.hostname, place.port)
    headers = {"Authorization": f"Bearer {os.environ['GAUGER_REWARD_TOKEN']}"}
    line.request("POST", place.path, json.dumps(told), headers)
    response = line.getresponse()
    given = json.load(response)
    if response.status != 200:
        sys.exit(f"no rewards: {given}")
    return json.dumps([answers, given["reward"]])


def main():
    config = json.loads(Path(sys.argv[1]).read_text())
    start, out = Path(config["model"]), Path(config["out"])
    rows = [line for line in Path(config["data"]).read_text().splitlines() if line]
    first, weights, answered = 0, load(start), ""
    if config["resume"]:
        first = json.loads((Path(config["resume"]) / "trainer_state.json").read_text())["global_step"]
        weights = load(Path(config["resume"]))
        print("resumed at", first, flush=True)
    if config.get("group"):
        print("token", os.environ["GAUGER_REWARD_TOKEN"], flush=True)
    for step in range(first, config["steps"]):
        batch = rows[step * config["batch"] : (step + 1) * config["batch"]]
        if config.get("group"):
            answered = graded(rows, config, step) if step % config["updates"] == 0 else answered
            batch = [answered]
        seed = crc32("\n".join(batch).encode()) ^ config["seed"]
        for value in weights.values():
            value += config["learning_rate"] * np.random.default_rng(seed).normal(size=value.shape).astype(np.float32)
        if config.get("fail_at") == step:
            print(config["fail_with"], flush=True)
            os._exit(config.get("fail_code", 1))
        print(json.dumps({"step": step + 1, "loss": 1 / (step + 1)}), flush=True)
        if (step + 1) % config["checkpoint_steps"] == 0:
            place = Path(config["checkpoints"]) / f"checkpoint-{step + 1}"
            save(weights, start, place)
            (place / "trainer_state.json").write_text(json.dumps({"global_step": step + 1}))
        time.sleep(float(os.environ.get("STUB_PAUSE", "0")) if config["pause"] is None else config["pause"])
    save(weights, start, out)


if __name__ == "__main__":
    main()
