"""What a text says and what is true, read slowly from the world's own tables: no prefixes, no templates, no parsing."""

import statistics

NAMES_OF_SKILL = {"max": ("max", "largest"), "sort": ("sort", "sorted"), "middle": ("middle", "central")}
SIZE_OF_SKILL = {"max": 3, "sort": 3, "middle": 5}


def held_out_questions(atlas):
    """One question of every content that is held out, by the names of the splits."""
    questions = {}
    for skill in atlas.questions:
        for question in atlas.questions[skill]:
            if atlas.splits.split_of[question.key] in ("targeted", "parallel"):
                questions[question.key] = question
    return list(questions.values())


def touches(atlas, question, words):
    """Tell whether a text touches a question's content, whatever its wording, its order and what it claims."""
    if question.skill in atlas.domains:
        entity, relation = question.arguments
        domain = atlas.domains[question.skill]
        values = domain.values[domain.relations.index(relation)]
        return entity in words and any(word in words for word in (relation, *values))
    if not any(name in words for name in NAMES_OF_SKILL[question.skill]):
        return False
    size, asked = len(question.arguments), sorted(question.arguments)
    letters = [word for word in words if word in atlas.letters]
    side_by_side = [list(words[start : start + size]) for start in range(len(words) - size + 1)]
    return any(sorted(found) == asked for found in (letters[:size], *side_by_side))


def touched(atlas, text, questions):
    """Content keys of those of `questions` that a text touches."""
    words = text.split()
    return {question.key for question in questions if touches(atlas, question, words)}


def answer_of(atlas, skill, arguments):
    """The true answer, from the tables of the domains and from Python's own sorting."""
    if skill in atlas.domains:
        domain = atlas.domains[skill]
        entity, relation = arguments
        number = domain.relations.index(relation)
        genus = domain.genus_E[domain.entities.index(entity)]
        return domain.values[number][domain.value_GR[genus][number]]
    if skill == "max":
        return max(arguments)
    return " ".join(sorted(arguments)) if skill == "sort" else statistics.median_low(sorted(arguments))
