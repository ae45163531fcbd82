"""Makes prompts: one strategy a file, seeds, templates and the reading of replies."""
