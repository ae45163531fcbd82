"""Times the n-gram net against a plain set loop and a 13-gram loop with normalised text, on the same texts in one run.

    python benchmarks/audit/speed.py [--mb 60] [--janitor PATH] > benchmarks/audit/speed.txt

`--janitor` names lm-evaluation-harness' `lm_eval/decontamination/janitor.py`, timed in its pure Python form if given.
Texts are made up: words as frequent as in a natural language, one text in seven with letters beyond ASCII.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import resource
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from gauger.audit.corpora import shards_of, texts_in
from gauger.audit.scan import scan_corpus
from gauger.elicit import index_items

N_ITEMS = 3_000


def make(folder: Path, megabytes: int, seed: int = 1) -> tuple[Path, list[str]]:
    """Write a corpus, and return it with items of which one in ten stands in it."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("aaabcdeeefghiiiklmnooopqrstuuuvwz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(30_000)])
    chances = 1 / np.arange(2, len(words) + 2)
    chances /= chances.sum()
    items = [" ".join(rng.choice(words, rng.integers(12, 70), p=chances)) + "?" for _ in range(N_ITEMS)]
    path, written, number = folder / "corpus.jsonl", 0, 0
    with path.open("w", encoding="utf-8") as file:
        while written < megabytes * 1_000_000:
            drawn = rng.choice(words, 60_000, p=chances)
            for part in np.split(drawn, 120):
                text = " ".join(part) + "."
                if number % 7 == 0:
                    text = text.replace(" e", " é", 3) + " “quoted” – naïve"
                if number % 400 == 0 and number // 400 < N_ITEMS // 10:
                    text += " " + items[number // 400].upper()
                number += 1
                written += file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return path, items


def plain_set(items: list[str], texts: Iterator[str], n: int = 8) -> int:
    """Look every run of n words up in one set: what a day's script does."""
    runs = {
        tuple(words[k : k + n]) for words in (text.lower().split() for text in items) for k in range(len(words) - n + 1)
    }
    found = 0
    for text in texts:
        words = text.lower().split()
        found += any(tuple(words[k : k + n]) in runs for k in range(len(words) - n + 1))
    return found


def thirteen(items: list[str], texts: Iterator[str], n: int = 13) -> int:
    """Strip punctuation, lower case, join runs of 13 words: the loop of the decontamination scripts of the field."""
    table = str.maketrans("", "", string.punctuation)
    split = re.compile(r"\s+")

    def runs(text: str) -> Iterator[str]:
        words = split.split(text.lower().translate(table).strip())
        return (" ".join(words[k : k + n]) for k in range(len(words) - n + 1))

    known = {run for text in items for run in runs(text)}
    return sum(any(run in known for run in runs(text)) for text in texts)


def janitor(path: str, items: list[str], texts: Iterator[str]) -> int:
    """Run the harness' own class, in Python."""
    spec = importlib.util.spec_from_file_location("janitor", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    one = module.Janitor()
    for text in items:
        one.register_contaminant_python(text)
    return sum(len(one.clean_python(text)) != 1 for text in texts)


def timed(name: str, megabytes: float, work: Callable[[], object]) -> float:
    """Print a line: megabytes per second of the processor."""
    start = time.process_time()
    found = work()
    seconds = time.process_time() - start
    print(f"{name:44s} {megabytes / seconds:7.1f} MB/CPU-s   found {found}", flush=True)
    return seconds


def texts_of(path: Path, most: int) -> Iterator[str]:
    """Yield texts up to a number of characters."""
    for shard in shards_of("c", path):
        for one in texts_in(shard):
            most -= len(one.text)
            if most < 0:
                return
            yield one.text


def net(path: Path, items: list[str], workers: int) -> int:
    """Scan as an audit does, reading included."""
    index = index_items({str(k): text for k, text in enumerate(items)})
    scan = scan_corpus(shards_of("c", path), index, index.needed(), workers)
    return len({item for item, _ in scan.tallies})


def memory(path: Path) -> str:
    """Return the peak memory of a process that audits a corpus, in MB."""
    code = (
        "import sys; sys.argv=sys.argv[1:]\n"
        "from pathlib import Path; import resource\n"
        "from gauger.audit.corpora import shards_of; from gauger.audit.scan import scan_corpus\n"
        "from gauger.elicit import index_items\n"
        "items=Path(sys.argv[1]).read_text().split('\\n')\n"
        "index=index_items({str(k): t for k,t in enumerate(items)})\n"
        "scan_corpus(shards_of('c', Path(sys.argv[0])), index, index.needed(), 1)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path), str(path.parent / "items.txt")],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=60)
    parser.add_argument("--janitor")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, items = make(folder, chosen.mb)
        size = path.stat().st_size / 1e6
        print(f"{size:.0f} MB, {N_ITEMS} items, one in ten of them planted\n")
        timed("this net, files read, one process", size, lambda: net(path, items, 1))
        for slow, work in (
            ("plain set of 8-grams, texts given", plain_set),
            ("13-grams without punctuation, texts given", thirteen),
        ):
            timed(slow, 10, lambda work=work: work(items, texts_of(path, 10_000_000)))
        if chosen.janitor:
            timed(
                "janitor.py, Python, texts given", 5, lambda: janitor(chosen.janitor, items, texts_of(path, 5_000_000))
            )
        print()
        walls = {}
        for workers in (1, 2):
            start = time.monotonic()
            net(path, items, workers)
            walls[workers] = time.monotonic() - start
            print(f"{workers} process(es): {walls[workers]:.1f} s of wall clock, {size / walls[workers]:.1f} MB/s")
        (folder / "items.txt").write_text("\n".join(items))
        print()
        for part in (0.25, 1.0):
            small = folder / f"part{part}.jsonl"
            with path.open("rb") as source:
                small.write_bytes(source.read(int(part * size * 1e6)).rpartition(b"\n")[0] + b"\n")
            print(f"peak memory at {part * size:.0f} MB: {memory(small)} MB")
    print(f"\npeak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
