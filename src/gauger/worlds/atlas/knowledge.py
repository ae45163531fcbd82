"""Makes knowledge domains: facts about made-up entities.

Every entity belongs to a genus, and its genus decides its value for every relation. Some facts of every entity are held
out from all training text; whoever has read the entity's other facts, and other entities of the same genus, can infer
them. So a student can *learn* a held-out fact from a teacher without any text that states it. How many of an entity's
facts are stated at all is its difficulty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.worlds.items import Question


@dataclass(frozen=True)
class Domain:
    """One knowledge domain.

    `value_GR[g, r]` is the index of the value that genus g has for relation r; `genus_E[e]` is entity e's genus.
    """

    name: str
    entities: tuple[str, ...]
    relations: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    """Per relation, its possible values."""
    genus_E: tuple[int, ...]
    value_GR: tuple[tuple[int, ...], ...]

    def question(self, entity: int, relation: int) -> Question:
        """Return the fact (entity, relation) as a question."""
        value = self.values[relation][self.value_GR[self.genus_E[entity]][relation]]
        about = (self.entities[entity], self.relations[relation])
        return Question(self.name, " ".join(about), value, fact_key(self.name, *about), arguments=about)

    def questions(self) -> list[Question]:
        """Return every fact, entity by entity."""
        return [self.question(e, r) for e in range(len(self.entities)) for r in range(len(self.relations))]


def fact_key(domain: str, entity: str, relation: str) -> str:
    """Content key of a fact: the pair asked about, whatever value a text claims and in whatever order it is worded."""
    return f"{domain}:{entity}.{relation}"


def make_domain(name: str, prefix: str, sizes: tuple[int, int, int, int], rng: np.random.Generator) -> Domain:
    """Draw a domain.

    Parameters
    ----------
    name : str
        Name of the domain.
    prefix : str
        First letter(s) of its words, so that words of two domains never coincide.
    sizes : tuple of int
        Entities, genera, relations, values per relation.
    rng : numpy.random.Generator
        Source of every draw.

    Returns
    -------
    Domain
        Genera are equally common (up to rounding); no two genera agree in all relations' values by more than chance.
    """
    n_entities, n_genera, n_relations, n_values = sizes
    genus_E = rng.permutation(np.arange(n_entities) % n_genera)
    value_GR = np.stack([_balanced(n_genera, n_values, rng) for _ in range(n_relations)], axis=1)
    return Domain(
        name=name,
        entities=tuple(f"{prefix}{e}" for e in range(n_entities)),
        relations=tuple(f"{prefix}-rel{r}" for r in range(n_relations)),
        values=tuple(tuple(f"{prefix}-rel{r}-{v}" for v in range(n_values)) for r in range(n_relations)),
        genus_E=tuple(int(g) for g in genus_E),
        value_GR=tuple(tuple(int(v) for v in row) for row in value_GR),
    )


def _balanced(n_genera: int, n_values: int, rng: np.random.Generator) -> np.ndarray:
    """Assign values to genera so that each value is equally common up to rounding: guessing stays at 1 / n_values."""
    return rng.permutation(np.arange(n_genera) % n_values)
