"""Follows a training row back to the benchmark items whose questions it was made from."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gauger.errors import InputError, Place
from gauger.store import open_tables

LINEAGE_SQL = """
WITH RECURSIVE ancestors(sample, ancestor) AS (
    SELECT id, id FROM corpus
    UNION
    SELECT ancestors.sample, unnest(ledger.parents)
    FROM ancestors JOIN ledger ON ledger.id = ancestors.ancestor
),
origins AS (
    SELECT DISTINCT ancestors.sample, unnest(ledger.seed_ids) AS seed
    FROM ancestors JOIN ledger ON ledger.id = ancestors.ancestor
)
SELECT DISTINCT origins.sample AS id, origins.seed, seeds.benchmark, seeds.split
FROM origins LEFT JOIN seeds ON seeds.id = origins.seed
ORDER BY ALL
"""
"""One query over the tables corpus, ledger and seeds: a row per training row and seed that it goes back to."""


def lineage(directory: Path, sample: str | None = None) -> pl.DataFrame:
    """Say which benchmark items the seeds of training rows come from.

    Parameters
    ----------
    directory : Path
        A corpus as `Corpus.write` leaves it.
    sample : str, optional
        Id of one training row; None: all.

    Returns
    -------
    polars.DataFrame
        `id` of the training row, `seed`, its `benchmark` and `split` (NULL where the seed states none). A row that goes
        back to no seed (strategy seedless) is not in it.
    """
    names = ("corpus", "ledger", "seeds")
    missing = [name for name in names if not (directory / f"{name}.parquet").is_file()]
    if missing:
        raise InputError("a folder with a corpus", f"none: {missing[0]}.parquet is missing", Place(str(directory)))
    with open_tables({name: directory / f"{name}.parquet" for name in names}) as connection:
        rows = connection.execute(LINEAGE_SQL).fetchall()
    frame = pl.DataFrame(rows, dict.fromkeys(("id", "seed", "benchmark", "split"), pl.String), orient="row")
    return frame if sample is None else frame.filter(id=sample)
