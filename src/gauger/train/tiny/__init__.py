"""Small decoders trained from scratch.

model.py       a decoder-only transformer
rows.py        training rows: padded tokens, what is learnt, soft targets
loop.py        the training loop, flat
losses.py      next token, and KL to a teacher's shown log-probabilities (forward and reverse)
decode.py      batched decoding, greedy or sampled, with log-probabilities
teacher.py     a decoder that can be asked, as `elicit` wants it
corpora.py     words to rows
checkpoint.py  weights in safetensors, and nothing else
"""
