"""Lists the laws by name, and those that could hold for given points."""

from __future__ import annotations

import numpy as np

from gauger.errors import UserError, nearest
from gauger.stats.laws.direct import ERROR, ERROR_TOKENS, SIGMOID, SIGMOID_TOKENS
from gauger.stats.laws.distillation import DISTILLATION
from gauger.stats.laws.law import Law
from gauger.stats.laws.links import GOMPERTZ, LINK
from gauger.stats.laws.mixture import MIXTURES
from gauger.stats.laws.one_scale import POWER, RECTIFIED
from gauger.stats.laws.points import Points
from gauger.stats.laws.repeated import REPEATED
from gauger.stats.laws.supervised import HOFFMANN, INTERACTION, KAPLAN
from gauger.stats.laws.tied import TIED
from gauger.stats.laws.transfer import TRANSFER

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        HOFFMANN, TIED, INTERACTION, KAPLAN, POWER, RECTIFIED, REPEATED, TRANSFER, DISTILLATION,
        *MIXTURES, LINK, GOMPERTZ, SIGMOID, SIGMOID_TOKENS, ERROR, ERROR_TOKENS,
    )
}  # fmt: skip
"""Every law, in the order in which they are listed."""
LINKS = (LINK, GOMPERTZ)
"""From loss to accuracy: the second step of a chained prediction."""
ALIASES = {
    "chinchilla": "hoffmann",
    "muennighoff": "repeated",
    "hernandez": "transfer",
    "gadre": "tied",
    "busbridge": "distillation",
}
"""Other names that the literature uses."""


FEWEST = {"n_params": 2, "pretrained": 2}
"""How many values a column must take for a law that turns on it; three for all others."""


def find_law(name: str) -> Law:
    """Return a law; an unknown name is answered with the nearest known one."""
    name = ALIASES.get(name, name)
    if name not in LAWS:
        raise UserError("a known law", repr(name), hint=nearest(name, [*LAWS, *ALIASES]))
    return LAWS[name]


def candidates(points: Points, outcome: str) -> list[Law]:
    """List the laws that could hold for these points: what `auto` lets compete.

    A law competes where every column that it needs is there, every column that it turns on takes at least three values
    (two for `n_params` and `pretrained`), there are as many points as the law asks for (three more than parameters if
    it names no number), and it does not ignore a model size that varies. Links from loss to accuracy are a second
    step, and compete among themselves.

    Parameters
    ----------
    points : Points
        n points; missing values of a column do not count as values.
    outcome : {"loss", "accuracy"}
        What is to be predicted.

    Returns
    -------
    list of Law
        In the order of `LAWS`; empty where no law can be told from the points.

    Tested in tests/stats/laws/test_laws.py.
    """
    return [law for law in LAWS.values() if law not in LINKS and why_barred(law, points, outcome) is None]


def why_barred(law: Law, points: Points, outcome: str) -> str | None:
    """Say why a law does not compete for these points; None where it does.

    Parameters
    ----------
    law : Law
        Any but a link.
    points : Points
        n points; missing values of a column do not count as values.
    outcome : {"loss", "accuracy"}
        What is to be predicted.

    Returns
    -------
    str or None
        The first condition of `candidates` that is not met, in words.

    Tested in tests/estimate/test_pooled.py.
    """
    if law.outcome != outcome:
        return f"it is a law of {law.outcome}"
    for name in law.needs:
        if getattr(points, name) is None:
            return f"there is no column {name}"
    if law is REPEATED and _never_repeats(points):
        return "no tokens are repeated"
    for name in law.varies:
        least = FEWEST.get(name, 3)
        if _values(points, name) < least:
            return f"it needs {least} values of {name}, and there are {_values(points, name)}"
    return _why_other_points(law, points)


def _why_other_points(law: Law, points: Points) -> str | None:
    """Say whether there are too few points for a law, or points of another kind."""
    sizes = _values(points, "n_params") >= FEWEST["n_params"]
    domains = _domains(points)
    if law in MIXTURES:
        if sizes or _values(points, "n_tokens") != 1:
            return "it needs models of one size and one number of tokens"
        if len(law.parameters) != domains + 1:
            return f"it is of another number of domains than {domains}"
    elif domains and not sizes and _values(points, "n_tokens") == 1:
        return "size and tokens are all alike"
    elif sizes and "n_params" not in law.varies:
        return "it ignores the size of the models"
    if len(points) < law.least_to_compete:
        return f"it needs {law.least_to_compete} points, and there are {len(points)}"
    return None


def _values(points: Points, name: str) -> int:
    column = getattr(points, name)
    return 0 if column is None else len(np.unique(column[np.isfinite(column)]))


def _domains(points: Points) -> int:
    return 0 if points.shares is None else points.shares.shape[1]


def _never_repeats(points: Points) -> bool:
    return bool((points.log_d - points.log_unique < 0.01).all())
