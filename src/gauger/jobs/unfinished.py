"""Keeps how far a training came, so that one that was killed goes on where it was in the next run of its study."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gauger.execute import UNFINISHED
from gauger.jobs.parameters import GoesOn
from gauger.train import Checkpoints


def unfinished_place(out: Path) -> Path:
    """Return where a killed job finds again how far it came, whatever directory it is given to write into.

    It stands under the job's own address: a training with other settings, inputs or code never finds it.

    Parameters
    ----------
    out : Path
        The directory that the job writes into, `JOBS/partial/ADDRESS.…` or `JOBS/entries/ADDRESS`.
    """
    return out.parent.parent / UNFINISHED / out.name.partition(".")[0]


@contextmanager
def checkpointed(params: GoesOn, out: Path) -> Iterator[Checkpoints | None]:
    """Say where a training writes its checkpoints, and remove them once what is done with its result is done.

    Where the body fails or is killed they stay.

    Parameters
    ----------
    params : GoesOn
        `checkpoint_steps` None: there are none.
    out : Path
        The directory that the job writes into.

    Notes
    -----
    Proof: tests/jobs/test_unfinished.py.
    """
    if params.checkpoint_steps is None:
        yield None
        return
    place = unfinished_place(out)
    place.mkdir(parents=True, exist_ok=True)
    yield Checkpoints(place, params.checkpoint_steps)
    shutil.rmtree(place)
