"""Writes small studies of a text model that learns invented facts, each beside the checkpoint that it starts from."""

from tests.train.models import small_llama, small_tokenizer

FACTS_WORLD = """\
world:
  kind: language
  tasks:
    facts: {kind: invented-facts, entities: 12, families: 3, relations: 2}
    others: {kind: invented-facts, entities: 8, families: 2, relations: 2}
  common: [others]
  benchmark_items: 6
"""


def write_facts_study(folder, study):
    """Write the text of a study and the checkpoint `model`; returns the study's path."""
    small_llama(sharp=20.0).save_pretrained(str(folder / "model"))
    small_tokenizer().save_pretrained(str(folder / "model"))
    (folder / "study.yaml").write_text(study)
    return folder / "study.yaml"
