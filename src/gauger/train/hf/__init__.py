"""Trains language models through transformers and PEFT: checkpoints, chat templates, adapters, mixed precision.

bending.py        Reads from a model's settings what it does to its logits after the head's matrix product
checkpoint_files.py  Checks a stranger's checkpoint before and after transformers reads it: whole, numbers throughout,
                  with its tokenizer
decode.py         Decodes in batches: prompts of similar length together, what they share read once
engine.py         Makes language models of transformers a `Model`: with their tokenizer, and an adapter where one is
                  trained
frozen_layers.py  Keeps the states that layers below an adapter make of rows: no training changes them, so they are
                  computed once
lora.py           Attaches low-rank adapters to matrices, and makes them part of the weights again (Hu et al. 2022)
models.py         Reads and writes language models as checkpoint directories: safetensors weights, a tokenizer, and
                  nothing else
passes.py         Sends rows through a decoder: padded or packed, with what layers compute kept for the way back or
                  made again
processes.py      Shares each step among the processes that `accelerate launch` started, on whatever devices there are
quantised.py      Holds the frozen weights of a training in 4 bits (QLoRA; Dettmers et al. 2023), and puts them back
                  as they were
saving.py         Writes and reads what training leaves: full weights, or an adapter beside a reference to its base
tokens.py         Turns texts into the tokens of a language model: prompts, chat templates, end marks, rows
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
