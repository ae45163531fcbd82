"""Trains models on corpora: one set of losses, rows and stages for every engine.

alignment.py     Aligns the tokens of two tokenizers along one text: positions that have as many characters of it
                 before them
batches.py       Puts rows of several sources into padded batches of at most so many tokens
blend.py         Trains on a blend: several sources of rows, each with a weight and, if wanted, a budget in tokens
context_limit.py  Decides what becomes of training rows that are longer than a model's context, by a rule that was
                 declared
discriminator.py  Tells a teacher's text from a student's answer to the same prompt, and rewards answers that pass for
                 the teacher's
distil.py        Distils on-policy: the student writes, a scorer says how likely every token was, and the student
                 moves there
divergence.py    Compares two distributions over next tokens: KL over a whole vocabulary or the tokens shown, L1 of
                 sorted chances
draws.py         Chooses next tokens: the most likely one, or one drawn by the prompt's own random numbers
engine.py        Defines what an engine gives to every stage: a model that answers, says how likely texts are, and
                 can be trained
given_rows.py    Trains on rows that are known beforehand: each step on the row numbers that were drawn for it
head.py          Applies the last matrix of a language model to a few positions at a time
external/        Trains with programs of others: what they are run with, the rows they get, how they are watched,
                 what they leave
hf/              Trains language models through transformers and PEFT: checkpoints, chat templates, adapters, mixed
                 precision
likelihood.py    Asks models how likely texts are: the log-probability of each learnt token, its alternatives, the
                 mean loss
loop.py          Trains any model: a seeded order of rows, one loss, AdamW with warm-up and decay, on one device or
                 several
losses.py        Computes the losses of every stage, in nats, summed over learnt positions; the loop divides by the
                 size of the step
own_pairs.py     Prefers a teacher's text to the student's own answers: pairs from text alone (SPIN; Chen et al. 2024)
own_samples.py   Draws a student's own answers while it trains, as rows of tokens; what on-policy stages share
preference_loss.py  Computes the loss of preferences: DPO on pairs of answers, in nats
preferences.py   Optimises preferences directly (DPO; Rafailov et al. 2023): from pairs of a better and a worse answer
processes.py     Shares each step among processes
registry.py      Names the engines: those of Gauger, and those that installed packages add as entry points
reward_loss.py   Computes the loss of rewards: a clipped surrogate, with a penalty for leaving the reference, and
                 advantages
rewards.py       Reinforces with a reward, verifiable or learnt: GRPO (Shao et al. 2024), without a critic
rows.py          Holds training rows: prompts and completions as text, and the same as tokens
schedule.py      Says how long and how fast a training goes
soft_targets.py  Keeps what a teacher showed along texts: log-probabilities per token, stacked, on disk and back
sorted_loss.py   Computes the loss of distillation across tokenizers: cross-entropy of the text, and L1 of sorted
                 probabilities
state.py         Writes and reads checkpoints of an unfinished training: weights and moments in one safetensors file
teacher.py       Lets a local model be asked as a teacher, as `elicit` wants it
steered.py       Chooses a model's next tokens otherwise, as a defence wants it: with a proxy student beside it
text.py          Trains on rows of text: on the text itself, or on the log-probabilities that a teacher showed along
                 it
tiny/            Trains small decoders over whole words from scratch on a CPU: the engine of the embedded world
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
