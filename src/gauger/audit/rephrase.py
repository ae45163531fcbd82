"""Rephrases a text by rules: other words, other forms, clauses in another order. Easier to find than a person's own."""

from __future__ import annotations

import re

import numpy as np

_GROUPS = """
how many|what number of; how much|what amount of; what is|find|determine|calculate;
which of the following|which one of these; buy|purchase|get; bought|purchased|acquired; buys|purchases|gets; sell|vend;
sold|traded away; sells|trades away; big|large|huge; small|little|tiny; begin|start|commence; begins|starts;
began|started; end|finish|conclude; people|persons|individuals; man|gentleman; woman|lady; child|kid;
children|kids|youngsters; friend|companion|pal; each|every; total|overall; altogether|in all|in total; per|for each;
has|owns|possesses; have|own|possess; had|owned|possessed; makes|produces|creates; make|produce|create;
made|produced|created; needs|requires; need|require; needed|required; gives|hands|passes; give|hand|pass;
gave|handed|passed; takes|uses; took|used; wants|wishes; want|wish; wanted|wished; goes|travels|heads; go|travel|head;
went|travelled|headed; walks|strolls; runs|jogs; eats|consumes; eat|consume; ate|consumed; house|home|residence;
car|vehicle|automobile; road|street; city|town; country|nation; school|academy; job|post|position; money|cash|funds;
price|cost; costs|is priced at; cost|price; pays|spends; pay|spend; paid|spent; earns|makes; earn|make; left|remaining;
more than|over|above; less than|under|below; about|approximately|roughly; only|just|merely; also|too; first|initial;
last|final; next|following; after|following; before|prior to; when|at the time that; because|since|as;
if|supposing|assuming that; then|afterwards; so|therefore|thus; but|however|yet; while|whereas; and|as well as;
quickly|rapidly|fast; slowly|gradually; often|frequently; always|constantly; usually|normally; now|currently;
again|once more; large|big|sizeable; old|aged; new|fresh|recent; good|fine; bad|poor; easy|simple; hard|difficult;
important|significant; shows|demonstrates|displays; show|demonstrate|display; says|states|claims; said|stated|claimed;
thinks|believes; think|believe; causes|leads to|results in; cause|lead to; caused|led to; increases|rises|grows;
increase|rise|growth; decreases|falls|drops; many|numerous|lots of; some|a few|several; most|the majority of;
all|the whole of; half|50 percent of; twice|two times; day|24 hours; week|seven days; year|twelve months;
daily|every day; weekly|every week; yearly|annually; minutes|mins; hours|hrs; picks|gathers|collects;
pick|gather|collect; picked|gathered|collected; reads|goes through; writes|composes|pens; calculate|compute|work out;
find|determine|work out; explain|describe; describe|explain; list|name; choose|select
"""
_SYNONYMS: dict[str, tuple[str, ...]] = {}
for _group in filter(str.strip, _GROUPS.split(";")):
    _first, *_others = (word.strip() for word in _group.split("|"))
    _SYNONYMS.setdefault(_first, tuple(_others))
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_DIGITS = {str(number): word for word, number in _NUMBER_WORDS.items()}
_FORMS = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, [*_SYNONYMS, *_NUMBER_WORDS, *_DIGITS]), key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)
_PREPOSED = re.compile(r"^([^,?.]{8,}), ([^?.]{8,})([.?!]?)$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ARTICLE = re.compile(r"\b(the|a|an) (?=[a-z])")
_OPENINGS = ("", "", "Consider this: ", "Here is a question. ", "Suppose the following. ", "Let us see: ")
_ARTICLES = {"the": ("this", "that", "the"), "a": ("one", "a single", "a"), "an": ("one", "a certain", "an")}


def rephrased(text: str, rng: np.random.Generator) -> str:
    """Say a text in other words, by rules for English: what it asks stays the same.

    Every word of a small list is replaced by another of its sense, small numbers change between digits and words,
    articles and the order of clauses vary. Other languages come out nearly as they were.
    """

    def other(match: re.Match[str]) -> str:
        word = match[0].lower()
        choices = _SYNONYMS.get(word) or (str(_NUMBER_WORDS.get(word, _DIGITS.get(word, match[0]))),)
        chosen = choices[rng.integers(len(choices))]
        return chosen.capitalize() if match[0][0].isupper() else chosen

    sentences = [_reordered(sentence, rng) for sentence in _SENTENCE.split(_FORMS.sub(other, text))]
    reworded = _ARTICLE.sub(lambda match: _ARTICLES[match[1]][rng.integers(3)] + " ", " ".join(sentences))
    return _OPENINGS[rng.integers(len(_OPENINGS))] + reworded


def _reordered(sentence: str, rng: np.random.Generator) -> str:
    match = _PREPOSED.match(sentence)
    if not match or rng.random() < 0.3:
        return sentence
    return f"{match[2][0].upper()}{match[2][1:]}, {match[1][0].lower()}{match[1][1:]}{match[3]}"
