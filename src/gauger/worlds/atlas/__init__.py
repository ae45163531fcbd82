"""Makes the embedded world: made-up entities with facts, and symbolic skills, whose ground truth is known.

benchmark_items.py  Chooses the questions of a benchmark from a test split, and words them as items
contents.py         Draws what an embedded world holds from its seed: facts and skills, what is held out, and who
                    knows what
forms.py            Words questions in each form, and reads content back out of any text
knowledge.py        Makes knowledge domains: facts about made-up entities
skills.py           Asks questions about letters whose answer is computed: the skills
splits.py           Decides which content is for training and which is for testing: by content key, never by wording
texts.py            Words questions as texts: each once per form, and stories that tell several facts about one thing
truth.py            Reads the question out of any prompt of the world's language, and answers it truly
world.py            Builds `Atlas`, the embedded world, from one seed: web text, teacher text, benchmark seeds and
                    benchmarks
"""
