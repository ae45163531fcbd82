"""Makes worlds: where facts, skills, texts and benchmarks come from.

atlas/       Makes the embedded world: made-up entities with facts, and symbolic skills, whose ground truth is known
base.py      Defines what every world offers: its texts and benchmarks, who knows what, and how a text is read back
items.py     Defines what can be asked in a world: questions, their wordings, forms, and the items and benchmarks
             made of them
judging.py   Defines how every world judges answers: read out of a reply, scored by the truth, compared with one another
language/    Makes worlds for real language models: tasks asked in text, whose answers can be checked
registry.py  Names every kind of world, and opens the world that a study's settings describe
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
