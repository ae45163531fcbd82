"""The stages of an arm: what is done to the student, one after the other, told apart by `kind`.

any.py         Makes the type of what may stand in an arm's `stages`: any kind of stage, our own or another package's
base.py        What every kind of stage is: its schema, how it is resolved, what must hold of it, and how it is
               planned
distil.py      `text-distill` and `logit-distill`: training on what the teacher wrote, or on its token probabilities
               along it
mixture.py     `mixture`: text of several sources in every batch, each with a weight and a budget in tokens
on_policy.py   `on-policy-distill`: the student writes, and the teacher says how likely every token was
preference.py  `preference`: preference optimisation (DPO) on pairs of the student's own answers
registry.py    Names every kind of stage; the union of them all is what may stand in an arm's `stages`
resolved.py    Stages as they are run: who answers, on which prompts, in which forms, and for how long the student is
               trained
rl.py          `rl`: reinforcement learning with a verifiable reward (GRPO), without a teacher
truth.py       `continue` and `sft`: training on text that no teacher wrote
"""
