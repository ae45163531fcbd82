"""Keeps how far a training came, so that one that was killed goes on where it was in the next run of its study."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gauger.jobs.parameters import GoesOn
from gauger.train import Checkpoints


@contextmanager
def checkpointed(params: GoesOn, out: Path) -> Iterator[Checkpoints | None]:
    """Say where a training writes its checkpoints, and remove them once what is done with its result is done.

    They lie beside the results, under the job's own address: a training with other settings, inputs or code never finds
    them. Where the body fails or is killed they stay.

    Parameters
    ----------
    params : GoesOn
        `checkpoint_steps` None: there are none.
    out : Path
        The directory that the job writes into, `JOBS/partial/ADDRESS.…` or `JOBS/entries/ADDRESS`.

    Notes
    -----
    Proof: tests/jobs/test_unfinished.py.
    """
    if params.checkpoint_steps is None:
        yield None
        return
    place = out.parent.parent / "unfinished" / out.name.partition(".")[0]
    place.mkdir(parents=True, exist_ok=True)
    yield Checkpoints(place, params.checkpoint_steps)
    shutil.rmtree(place)
