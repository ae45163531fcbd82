"""Holds what `gauger.meta` was asked, in column names and options, and refuses what does not go together."""

from __future__ import annotations

from dataclasses import dataclass

from gauger.errors import UserError, nearest

STRUCTURES = ("auto", "one", "hcs", "un")
"""Covariances of random effects by category; auto: by AIC."""


@dataclass(frozen=True)
class MetaOptions:
    """What was asked, in column names and options."""

    effect: str
    variance: str
    within: tuple[str, ...]
    moderators: tuple[str, ...]
    shared_control: str | None
    shared_variance: str | None
    robust: str | None
    method: str
    test: str
    df: str
    level: float
    small_study: bool
    vary_by: str | None = None
    structure: str = "auto"

    @property
    def columns(self) -> list[str]:
        """Every column that a row needs a value in."""
        optional = [self.robust, self.vary_by]
        return [self.effect, self.variance, *self.within, *self.moderators, *(column for column in optional if column)]

    @property
    def columns_of_shared_controls(self) -> list[str]:
        """Columns that are empty where a row shares its control with no other."""
        return [column for column in (self.shared_control, self.shared_variance) if column]


def check_options(request: MetaOptions) -> None:
    """Refuse options that contradict each other (`UserError`)."""
    if not 0.5 <= request.level < 1.0:
        raise UserError("a coverage from 0.5 to below 1", f"{request.level:g}", hint="For example --level 0.95.")
    if (request.shared_control is None) != (request.shared_variance is None):
        raise UserError("--shared-control and --shared-variance together", "one of them")
    _check_categories(request)


def _check_categories(request: MetaOptions) -> None:
    """Refuse options that do not go with random effects by category."""
    if request.structure not in STRUCTURES:
        raise UserError("a known --structure", repr(request.structure), hint=nearest(request.structure, STRUCTURES))
    if request.vary_by is None:
        if request.structure != "auto":
            raise UserError("--vary-by with --structure", "no --vary-by", hint="Name the column of the categories.")
        return
    if len(request.within) != 1:
        given = ", ".join(request.within) or "none"
        raise UserError("one --within with --vary-by", given, hint="Name the groups whose effects correlate.")
    if request.robust not in (None, request.within[0]):
        raise UserError(f"--robust {request.within[0]} or none with --vary-by", str(request.robust))
    if request.test != "z" or request.small_study:
        raise UserError("--robust instead of --test or --small-study with --vary-by", "one of those")
