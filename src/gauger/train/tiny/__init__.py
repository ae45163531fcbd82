"""Trains small decoders over whole words from scratch on a CPU: the engine of the embedded world.

decode.py  Decodes in batches: greedy or sampled, prompts of equal length together, so that no padding enters
           attention
engine.py  Makes small decoders a `Model`: with their words, on disk as one safetensors file, trained whole on one CPU
model.py   Defines a small decoder-only transformer: pre-norm, ReLU MLP, learned positions, tied input and output
           embeddings
tokens.py  Turns texts into token ids and back: a closed vocabulary of whole words, divided by spaces
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
