"""Counts the passes of which a step is made, and refuses a step that whole passes cannot make."""

from __future__ import annotations

from gauger.errors import UserError
from gauger.train.external.trainers import ExternalTrainer

CALLED = "passes_of_step"
"""What a template calls it."""
_CALL = f"{CALLED}(batch, options.micro_batch, processes)"


def passes_of_step(batch: int, micro_batch: object, processes: int) -> int:
    """Return how many passes of every process make a step: rows of a step / (rows of a pass x processes).

    Parameters
    ----------
    batch : int
        Rows of a step over all processes.
    micro_batch : int
        Rows of one pass on one process.
    processes : int
        Among which the step is shared.

    Raises
    ------
    UserError
        Where it comes out uneven: a step would have fewer rows than the study says, and the last rows of the training
        would never be trained on.
    """
    if not isinstance(micro_batch, int) or micro_batch < 1:
        raise UserError("a micro_batch of 1 or more rows", repr(micro_batch))
    together = micro_batch * processes
    if batch % together == 0:
        return batch // together
    below = batch // together * together
    batches = f"a batch of {f'{below} or ' if below else ''}{below + together}"
    sizes = [size for size in range(1, batch // processes + 1) if batch % (size * processes) == 0]
    instead = f", or a micro_batch of {', '.join(map(str, sizes))}" if sizes else ""
    wanted = "a step of whole passes (batch, micro_batch, gpus, processes)"
    given = f"{batch} rows, of which {micro_batch} on each of {processes} are {together} a pass"
    raise UserError(wanted, given, hint=f"Take {batches}{instead}.")


def check_passes(trainer: ExternalTrainer, batch: int, gpus: int, processes: int) -> None:
    """Refuse a step that whole passes cannot make on GPUs, or on the processes that stand for them on CPUs.

    Parameters
    ----------
    trainer : ExternalTrainer
        As it will be run; where its template does not count passes so nothing is checked.
    batch : int
        Rows of a step.
    gpus, processes : int
        As the stage has them.
    """
    if _CALL in trainer.template:
        for together in {gpus or processes, processes}:
            passes_of_step(batch, trainer.options.get("micro_batch"), together)
