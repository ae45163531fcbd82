"""Refuses what a monitor flags: an account that was flagged is served no more (a policy)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from gauger.elicit.defences.kinds import PolicyDefence
from gauger.elicit.monitor.monitor import Monitor
from gauger.elicit.monitor.traffic import Traffic, honest_accounts
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request

MOST_FALSE_ALARMS = 0.1
"""Share of honest accounts that strength 1 may refuse; a strength s refuses a tenth of s."""
ACCOUNTS = 240
"""Made-up honest accounts that the monitor is calibrated on."""


@lru_cache(maxsize=8)
def calibrated(false_alarms: float) -> Monitor:
    """Return a monitor that is calibrated on made-up honest traffic, the same one every time."""
    return Monitor(honest_accounts(ACCOUNTS, np.random.default_rng(1), Traffic(median_queries=40.0)), false_alarms)


def refuse_flagged(strength: float) -> Callable[[Request], Request | Reply]:
    """Return what watches one account's stream and refuses it once it is flagged; nothing is paid for refusals.

    Parameters
    ----------
    strength : float
        Ten times the share of honest accounts that may ever be flagged: 0.1 is one in a hundred. At least `LEAST`: what
        the made-up accounts can tell.
    """
    watch = calibrated(MOST_FALSE_ALARMS * strength).watch()

    def decide(request: Request) -> Request | Reply:
        if not watch.flagged:
            watch.take("\n".join(message.content for message in request.messages))
            return request
        return Reply(ReplyOutcome.REFUSED, "", requests=0, unpaid=True, error="this account is not served any more")

    return decide


LEAST = 1 / (MOST_FALSE_ALARMS * (ACCOUNTS // 2 + 1))
"""Strength at which one of the made-up accounts that set the threshold may be flagged: fewer than one cannot be."""
REFUSE_FLAGGED = PolicyDefence(refuse_flagged, least=LEAST)
