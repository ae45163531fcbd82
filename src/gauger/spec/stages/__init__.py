"""Defines the stages of an arm: what is done to the student, one after the other, told apart by `kind`.

adversarial.py  Defines `adversarial-distill`: the student writes, and is rewarded where it passes for its teacher
any.py         Makes the type of what may stand in an arm's `stages`: any kind of stage, our own or another package's
base.py        Defines what every kind of stage is: its schema, how it is resolved, what must hold of it, how it is
               planned
distil.py      Defines `text-distill` and `logit-distill`: training on the teacher's text, or on its probabilities
               along it
external.py    Defines `external`, `external-preference` and `external-rl`: training by somebody else's program, every
               control too
mixture.py     Defines `mixture`: text of several sources in every batch, each with a weight and a budget in tokens
on_policy.py   Defines `on-policy-distill`: the student writes, and the teacher says how likely every token was
preference.py  Defines `preference`: preference optimisation (DPO) on pairs of the student's own answers
preference_distill.py  Defines `preference-distill`: the teacher's text is preferred to the student's own answers to
               the same prompts
registry.py    Names every kind of stage; the union of them all is what may stand in an arm's `stages`
resolved.py    Describes stages as they are run: who answers which prompts, in which forms, and how long it is trained
rl.py          Defines `rl`: reinforcement learning with a verifiable reward (GRPO), without a teacher
truth.py       Defines `continue` and `sft`: training on text that no teacher wrote
"""
