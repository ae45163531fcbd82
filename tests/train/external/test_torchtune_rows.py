"""The rows that torchtune gets: those of the file, one by one, in its order."""

import importlib.util
import json
from pathlib import Path

from gauger.train.external import trainers

SCRIPT = Path(trainers.__file__).parent / "templates" / "torchtune_rows.py"


def test_rows_are_those_of_the_file_in_its_order(tmp_path):
    spec = importlib.util.spec_from_file_location("torchtune_rows", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = [{"input_ids": [1, n, 2], "labels": [-100, n, 2]} for n in (7, 123, 5)]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    rows = module.WrittenRows(module.NoTokenizer(), str(tmp_path / "rows.jsonl"))
    assert [rows[number] for number in range(len(rows))] == [
        {"tokens": line["input_ids"], "labels": line["labels"]} for line in lines
    ]
    assert rows[1]["tokens"] == [1, 123, 2], "read at its place, not after another"
