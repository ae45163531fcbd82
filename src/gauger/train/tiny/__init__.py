"""Small decoders trained from scratch.

model.py       a decoder-only transformer
rows.py        training rows: padded tokens, what is learnt, soft targets
blend.py       several sources of rows, each with a weight and a budget in tokens
loop.py        the training loop, flat
losses.py      next token, and KL to a teacher's shown log-probabilities (forward and reverse)
rollout.py     a model's own samples as rows, and the log-probabilities of what stands in rows
on_policy.py   on-policy distillation: the teacher scores what the student writes
preference.py  preference optimisation (DPO) on pairs of the student's own answers
reinforce.py   reinforcement learning with a verifiable reward (GRPO)
decode.py      batched decoding, greedy or sampled, with log-probabilities
teacher.py     a decoder that can be asked, as `elicit` wants it
corpora.py     words to rows
checkpoint.py  weights in safetensors, and nothing else
"""
