"""A task of Inspect: the same questions, in the same file."""

import json
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@task
def capitals(first: int = 0):
    lines = (Path(__file__).parent / "capitals.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines][first:]
    samples = [Sample(input=row["question"], target=row["answer"], id=number) for number, row in enumerate(rows)]
    return Task(MemoryDataset(samples), solver=generate(), scorer=match(), config=GenerateConfig(max_tokens=4))
