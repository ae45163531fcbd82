"""Makes corpora of teachers' replies: what was asked, what was answered, and where every sample comes from.

api/             Asks OpenAI-compatible endpoints: requests, retries, limits, the format, both ways
collect.py       Collects one corpus: rounds of a strategy, replies of a teacher, filters, until enough is kept
collection_notes.py  Says why a collection ended early, and what of its replies failed, was odd, or is not accounted
                     for
corpus.py        Writes and reads a corpus of a language model on disk, in pieces: it need not fit into memory
defences/        Changes what leaves a teacher: one defence a file, named in `registry.py`
export.py        Writes training files that TRL, Axolotl and LLaMA-Factory read as they are, each as JSON Lines and
                 as Parquet
filters/         Decides which samples a corpus keeps, and names the filter that dropped each of the others
lineage.py       Follows a training row back to the benchmark items whose questions it was made from
replies/         Reads what a teacher sent: a pure function of the raw reply, for every kind of teacher
overlap/         Finds protected texts in others, at the speed of numpy: the one net of `elicit --protect` and of the
                 audit
matched_rows.py  Draws rows of a control: as many as a teacher's, of the same forms, with as many tokens, and else
                 as the pool has them
monitor/         Watches queries for distillation-like use: which accounts stand out, at what rate of false alarms
sample.py        Describes one sample of a language model's corpus, with everything that stands about it in the ledger
sample_rows.py   Turns samples into rows of a corpus' tables: the ledger, the texts that are trained on, and the seeds
settings.py      Keeps what a corpus' directory was made with, so that it is gone on with the same settings and no
                 others
sources.py       Puts together corpora that no teacher wrote: the control arms' training texts, in every world by the
                 same rules
strategies/      Makes prompts: one strategy a file, seeds, templates and the reading of replies
teacher/         Defines what a teacher offers, its budget, and the journal of what it replied
world_corpus.py  Collects one stage's corpus in a world, from a teacher of either manner
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
