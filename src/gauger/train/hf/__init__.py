"""Language models through transformers and PEFT.

models.py      checkpoint directories: packaged models, what may be read, precision and device
rows.py        training rows: prompts and completions as text and as tokens, mixtures, micro-batches
head.py        the last matrix, applied to a few positions at a time
losses.py      next token, and KL to a teacher's distribution (shown or from its hidden states)
likelihood.py  what probability a model gives to the learnt tokens of rows
lora.py        low-rank adapters: attach and merge
frozen.py      layers below the adapter: computed once for all epochs
loop.py        the training loop, flat
state.py       checkpoints of an unfinished training, and how it goes on
decode.py      batched decoding, greedy or sampled
saving.py      what training leaves: full weights, or an adapter beside a reference to its base
distil.py      learning from a teacher that is there: its logits, or on the student's own answers
preferences.py direct preference optimisation from pairs of answers
reinforce.py   reinforcement learning on the student's own answers, rewarded by a function
teacher.py     a local model that can be asked, as `elicit` wants it, and its log-probabilities
"""
