"""A defence of another package: above a strength of one half nothing is shown."""

from dataclasses import replace

from gauger.elicit.teacher.messages import Reply


def blank(reply: Reply, strength: float) -> Reply:
    return replace(reply, text="") if strength > 0.5 else reply
