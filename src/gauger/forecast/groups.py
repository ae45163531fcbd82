"""Finds which studies hang together, and divides them into folds: what is forecast must not stand in the training.

Two studies are connected if they come from one laboratory (`data/laboratories.csv`), measured the same distilled model,
or print the same control score to the digit (one copied the other). Groups are the connected components. Students of
one family do not connect studies: nearly everything would be one group, and a new study's student belongs to a known
family too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from gauger.forecast.literature import Codes, LiteratureRows
from gauger.store import read_csv

DATA = Path(__file__).parent / "data"


@cache
def laboratories() -> tuple[tuple[str, str], ...]:
    """Return (beginning of a study's name, laboratory), the longest beginning first."""
    table = read_csv(DATA / "laboratories.csv")
    begins, laboratory = (table.header.index(name) for name in ("study_begins_with", "laboratory"))
    rows = [(cells[begins], cells[laboratory]) for _, cells in table.rows]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


def laboratory_of(study: str) -> str:
    """Return a study's laboratory; a study that the table does not know is a laboratory of its own."""
    return next((name for begin, name in laboratories() if study.startswith(begin)), study)


def connected_groups(literature: LiteratureRows) -> Codes:
    """Label every row (n,) with its study's connected component.

    Parameters
    ----------
    literature : LiteratureRows
        n rows.
    """
    parent = {name: name for name in literature.studies}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    frame = literature.frame
    decimal = (pl.col("decimals_control").fill_null(0) > 0) & pl.col("score_control").is_not_null()
    control = pl.when(decimal).then(
        pl.concat_str("base", "bench", "contrast", "n_items", "score_control", separator="|")
    )
    keyed = frame.select(
        "study_id", laboratory=pl.col("study_id").map_elements(laboratory_of, return_dtype=pl.String),
        model=pl.concat_str("model", "base", separator="|"), control=control,
    )  # fmt: skip
    for key in ("laboratory", "model", "control"):
        for _, members in keyed.filter(pl.col(key).is_not_null()).group_by(key, maintain_order=True):
            names = members["study_id"].unique(maintain_order=True).to_list()
            for other in names[1:]:
                parent[root(other)] = root(names[0])
    roots = np.array([root(name) for name in frame["study_id"].to_list()])
    return np.unique(roots, return_inverse=True)[1].ravel().astype(np.intp)


def folds_of(groups: Codes, k: int) -> Codes:
    """Divide groups into at most `k` folds of similar numbers of rows, the same at every call.

    Parameters
    ----------
    groups : int array (n,)
        Group of each row.
    k : int
        Folds.

    Returns
    -------
    int array (n,)
        Fold of each row; a group is never divided.
    """
    names, sizes = np.unique(groups, return_counts=True)
    load = np.zeros(min(k, len(names)))
    fold = {}
    for place in np.argsort(-sizes, kind="stable"):
        least = int(np.argmin(load))
        fold[names[place]] = least
        load[least] += sizes[place]
    return np.array([fold[group] for group in groups], dtype=np.intp)
