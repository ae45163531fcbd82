"""Refuses a share of the queries, evenly along the stream: a policy."""

from __future__ import annotations

from collections.abc import Callable

from gauger.elicit.defences.kinds import PolicyDefence
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request


def rationed(strength: float) -> Callable[[Request], Request | Reply]:
    """Return what refuses the n-th query where `floor(n * strength)` has grown; nothing is paid for those."""
    seen = 0

    def decide(request: Request) -> Request | Reply:
        nonlocal seen
        before, seen = int(seen * strength), seen + 1
        if int(seen * strength) == before:
            return request
        return Reply(ReplyOutcome.REFUSED, "", requests=0, unpaid=True, error="this query is not served")

    return decide


RATION = PolicyDefence(rationed)
