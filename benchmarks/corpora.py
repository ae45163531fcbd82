"""How much memory does a corpus of 10 million samples need to be written, mixed, summed up and read, and how long?

Samples of about 400 characters come one after the other, as a collection would give them, and go through what every
corpus of a run goes through:

    write    `write_corpus`: ledger, texts and ids of all samples, in one pass
    mix      the job `blend` with this corpus as its only part: both tables read and written again
    sum up   the run's ledger: sums by source, distinct texts, for as many arms and replicates as `USES`
    gather   the run's `ledger.parquet`, once however many arms used it
    read     every text, in the order in which a training reads them

Each step is a process of its own, whose highest resident memory and processor time are told. What the kernel keeps of
files it has read (mapped pages) counts as resident while it is mapped.

Run: python benchmarks/corpora.py [--samples N] [--columns] [--beside SRC [--fewer N]]
SRC is the `src` of another commit, which gets `--fewer` samples: it holds all of a corpus several times. With
`--columns` the rows of the tables are made column by column instead of sample by sample, which is several times faster
and leaves the same to be done by everything else.
Target: 10 million samples in under 1 GB; nothing that grows with arms or replicates.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES, FEWER = 10_000_000, 200_000
USES = 60
"""Arms times replicates that are trained on the corpus."""
STEPS = ("write", "mix", "sum up", "gather", "read")
SOURCES = Path(__file__).resolve().parents[1] / "src"
N_CHARACTERS = 4_000_000


def samples(n_samples: int) -> Iterator[Any]:
    """Yield samples of 400 characters, one of seven dropped, each with what its request took."""
    from gauger.elicit.sample import Sample, Took
    from gauger.elicit.teacher.messages import Message

    took = Took(queries=1, tokens_in=30, tokens_out=90, tokens_in_most=30, tokens_out_most=90, cost_usd=0.00041)
    filters = ("form", "topic", "overlap", "duplicate")
    text = np.random.default_rng(1).bytes(N_CHARACTERS // 2).hex(" ", 3)
    for number in range(n_samples):
        start = number * 7919 % (len(text) - 400)
        yield Sample(
            (Message("user", f"{text[start : start + 100]} {number} ?"),),
            text[start + 100 : start + 400],
            strategy="label",
            teacher="large",
            seed_ids=(f"seed-{number % 50_000}",),
            took=took,
            filters=filters,
            dropped=None if number % 7 else "form",
        )


def write_columns(folder: Path, n_samples: int) -> None:
    """Write such a corpus without making its samples."""
    import polars as pl

    from gauger.elicit.sample_rows import LEDGER, TEXTS
    from gauger.store import GROUP_ROWS, TableStream, write_json

    place, rng = folder / "corpus", np.random.default_rng(1)
    pool = pl.Series([rng.bytes(100).hex(" ", 3) for _ in range(4096)])
    row = _row_of_ledger()
    with TableStream(place / "ledger.parquet", LEDGER) as rows, TableStream(place / "corpus.parquet", TEXTS) as texts:
        for start in range(0, n_samples, GROUP_ROWS):
            number = pl.Series("number", np.arange(start, min(start + GROUP_ROWS, n_samples)))
            every = number.to_frame().with_columns(id=number.hash(1).cast(pl.String), kept=number % 7 != 0)
            dropped = every.select(dropped=pl.when("kept").then(pl.lit(None, pl.String)).otherwise(pl.lit("form")))
            rows.add(row.join(every.select("id"), how="cross").with_columns(dropped["dropped"]))
            prompt, answer = (pool.gather(number * factor % 4096) for factor in (7919, 104729))
            written = every.with_columns(
                prompt=prompt + number.cast(pl.String), answer=answer, whole=pl.lit(value=False)
            )
            texts.add(written.filter("kept"))
        rows.save(place / "ledger.parquet")
        texts.save(place / "corpus.parquet")
    write_json(place / "notes.json", [])


def _row_of_ledger() -> Any:
    """Return what stands in every row of the ledger of such a corpus, but its id."""
    from gauger.elicit.sample_rows import LEDGER, ledger_table

    (sample,) = samples(1)
    return ledger_table([sample], lambda _: [120]).drop("id", "dropped").select(*(set(LEDGER) - {"id", "dropped"}))


def write(folder: Path, n_samples: int) -> None:
    """Write the corpus; an earlier commit knows no other way than to hold it."""
    import gauger.elicit.corpus as corpus

    if hasattr(corpus, "write_corpus"):
        corpus.write_corpus(folder / "corpus", samples(n_samples))
    else:
        corpus.Corpus(tuple(samples(n_samples))).write(folder / "corpus")


def mix(folder: Path, _: int) -> None:
    """Make a mixture of one part."""
    from gauger.jobs.corpora import blend_corpora
    from gauger.jobs.parameters import BlendCorpora

    (folder / "mixture").mkdir()
    blend_corpora(BlendCorpora(parts=1), {"part0": folder / "corpus"}, folder / "mixture")


def sum_up(folder: Path, _: int) -> None:
    """Make the ledger's rows of a document, of `USES` arms."""
    import polars as pl

    from gauger.study.ledger import ledger_rows
    from gauger.study.results import RECORDS, TRAINING, Collected

    training = pl.DataFrame([(f"arm {use}", 0, 0, "corpus", 1e9, 1e9) for use in range(USES)], TRAINING, orient="row")
    rows = ledger_rows(Collected(pl.DataFrame(schema=RECORDS), _ledger(folder), training, (), ()))
    assert len(rows) == USES


def _ledger(folder: Path) -> Any:
    """Return the ledger of a run whose arms are all trained on the corpus, as this commit or an earlier one has it."""
    import polars as pl

    path = folder / "corpus" / "ledger.parquet"
    try:
        from gauger.study.run_ledger import run_ledger
    except ImportError:
        table = pl.read_parquet(path)
        labels = [
            {"arm": pl.lit(f"arm {use}"), "replicate": pl.lit(0, pl.Int64), "stage": pl.lit(0, pl.Int64)}
            for use in range(USES)
        ]
        return pl.concat([table.with_columns(**own) for own in labels], rechunk=False)
    return run_ledger([(f"arm {use}", 0, 0, "corpus") for use in range(USES)], {"corpus": path})


def gather(folder: Path, _: int) -> None:
    """Write the ledger of the run."""
    from gauger.store import parquet_bytes, write_together

    ledger = _ledger(folder)
    if hasattr(ledger, "pieces"):
        from gauger.store import write_pieces

        write_together(folder / "run", {"ledger.parquet": lambda path: write_pieces(path, ledger.pieces())})
    else:
        write_together(folder / "run", {"ledger.parquet": parquet_bytes("ledger.parquet", ledger)})


def read(folder: Path, n_samples: int) -> None:
    """Read every text."""
    import gauger.elicit.corpus as corpus

    n_texts = sum(1 for _ in getattr(corpus, "stream_texts", corpus.read_texts)(folder / "corpus"))
    assert n_texts == n_samples - (n_samples + 6) // 7


def measure(step: str, folder: Path, n_samples: int) -> dict[str, float]:
    """Make one step, and tell its processor and wall seconds and the process's highest resident memory in MB."""
    began = time.perf_counter()
    {"write": write, "columns": write_columns, "mix": mix, "sum up": sum_up, "gather": gather, "read": read}[step](
        folder, n_samples
    )
    usage = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter() - began
    return {"seconds": usage.ru_utime + usage.ru_stime, "wall": wall, "peak_mb": usage.ru_maxrss / 1e3}


def run(sources: Path, n_samples: int, *, columns: bool = False) -> dict[str, Any]:
    """Make all steps with the Gauger below `sources`, each in a process of its own."""
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for step in STEPS:
            how = "columns" if columns and step == "write" else step
            code = [sys.executable, __file__, "--measure", how, name, "--samples", str(n_samples)]
            done = subprocess.run(
                code, env={**os.environ, "PYTHONPATH": str(sources)}, stdout=subprocess.PIPE, check=True
            )
            told[step] = dict(json.loads(done.stdout))
            print(f"  {step}: {told[step]}", file=sys.stderr)
        told["bytes"] = {
            file: (Path(name) / file).stat().st_size
            for file in ("corpus/corpus.parquet", "corpus/ledger.parquet", "run/ledger.parquet")
        }
    return told


def show(who: str, n_samples: int, told: Mapping[str, Any]) -> None:
    """Print the figures of one commit."""
    print(f"\n{who}: {n_samples:,} samples")
    print(f"{'':10}{'peak memory':>14}{'processor':>12}{'rows a second':>16}")
    for step in STEPS:
        own = told[step]
        print(f"{step:10}{own['peak_mb']:11,.0f} MB{own['seconds']:10.1f} s{n_samples / own['seconds']:16,.0f}")
    print("   ".join(f"{file} {size / 1e6:,.0f} MB" for file, size in told["bytes"].items()))


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--columns", action="store_true")
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--fewer", type=int, default=FEWER)
    parser.add_argument("--measure", nargs=2, metavar=("STEP", "FOLDER"))
    asked = parser.parse_args()
    if asked.measure:
        step, folder = asked.measure
        print(json.dumps(measure(step, Path(folder), asked.samples)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; a run of {USES} arms")
    if asked.beside:
        for who, sources in (("beside", asked.beside), ("here", SOURCES)):
            show(who, asked.fewer, run(sources, asked.fewer))
    told = run(SOURCES, asked.samples, columns=asked.columns)
    show("here, made by columns" if asked.columns else "here", asked.samples, told)
    print(f"\nhighest memory of any step: {max(told[step]['peak_mb'] for step in STEPS):,.0f} MB (target: under 1 GB)")


if __name__ == "__main__":
    main()
