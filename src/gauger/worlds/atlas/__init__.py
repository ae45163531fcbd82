"""The embedded world: made-up entities with facts, and symbolic skills, whose ground truth is known.

benchmark_items.py  Chooses the questions of a benchmark from a test split, and words them as items
forms.py            How a question is worded, and how content is read back out of any text
knowledge.py        Knowledge domains: facts about made-up entities
skills.py           Skills: questions about letters whose answer is computed
splits.py           Which content is for training and which is for testing: decided by content key, never by wording
texts.py            Words questions as texts: each once per form, and stories that tell several facts about one thing
truth.py            Reads the question out of any prompt of the world's language, and answers it truly
world.py            `Atlas`: the embedded world built from one seed; web text, teacher text, benchmark seeds and
                    benchmarks
"""
