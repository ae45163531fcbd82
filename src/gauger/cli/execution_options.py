"""Names the options of commands that run a study: where, how many at once, and how far."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer


class RunPlace(StrEnum):
    """Places where jobs can run."""

    LOCAL = "local"
    RAY = "ray"


WorkersOption: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Worker processes; 0: one per GPU, else one per core.")
]
OnOption: TypeAlias = Annotated[
    RunPlace,
    typer.Option("--on", help="Where jobs run: this machine's processes, or a Ray cluster. Estimates are the same."),
]
RayAddressOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help='A running cluster ("auto", "host:port").', show_default="one on this machine"
    ),
]
StoreOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where results travel if nodes share no disk (s3://…, any fsspec URL)."),
]
NeedOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--need",
        metavar="KIND.WHAT=NUMBER",
        help="What jobs of a kind (or all) need of a node: cpus, gpus, memory_gb; repeatable.",
    ),
]
MaxHoursOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="HOURS", help="Start no job after this time; nothing is decided before the plan is done."
    ),
]
MaxFlopsOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="FLOPS",
        help="Start no job beyond this many training FLOPs; nothing is decided before the plan is done.",
    ),
]
TriesOption: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Give a job up when this many workers were lost with it.")
]
