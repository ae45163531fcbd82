"""A defence of another package, a view: above a strength of one half nothing is shown."""

from dataclasses import replace

import numpy as np

from gauger.elicit.defences.kinds import LogProbabilities, ViewDefence
from gauger.elicit.teacher.messages import Reply


def blank(reply: Reply, strength: float) -> Reply:
    return replace(reply, text="") if strength > 0.5 else reply


def blank_logs(log_PK: LogProbabilities, strength: float) -> LogProbabilities:
    """Show every token as equally likely."""
    return np.full_like(log_PK, -np.log(log_PK.shape[-1])) if strength > 0.5 else log_PK


BLANK = ViewDefence(blank, blank_logs)
