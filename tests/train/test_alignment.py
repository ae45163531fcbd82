"""Alignment of two tokenizers along one text: by what of it stands before each position."""

import numpy as np

from gauger.train.alignment import aligned_places, characters_before
from gauger.train.hf.engine import HfModel
from gauger.train.rows import TrainingRow

from .models import BOTH_ENGINES, HF_KIT, ROWS, TEMPLATE, chat, small_llama, small_tokenizer


def places(own, theirs):
    first = [np.cumsum([0, *map(len, rows[:-1])]) for rows in (own, theirs)]
    flat = [np.concatenate(rows) for rows in (own, theirs)]
    return aligned_places(flat[0], first[0], flat[1], first[1]).tolist()


def test_positions_after_the_same_text_are_aligned():
    """`sum is 12` as su|m|is|1|2|end and sum|is|12|end: nothing of theirs follows `su` or `sumis1`."""
    assert places([[0, 2, 3, 5, 6, 7]], [[0, 3, 5, 7]]) == [0, -1, 1, 2, -1, 3]
    assert places([[0, 3, 5, 7]], [[0, 2, 3, 5, 6, 7]]) == [0, 2, 3, 5]


def test_rows_are_aligned_each_by_itself():
    assert places([[0, 2], [0, 1, 2]], [[0, 1, 2], [0, 2]]) == [0, 2, 3, -1, 4]


def test_white_space_is_aligned_in_its_order():
    assert places([[0, 1, 1, 1]], [[0, 1, 1]]) == [0, 1, 2, -1]


@BOTH_ENGINES
def test_equal_tokens_are_aligned_one_by_one(kit):
    model = kit.model()
    rows = model.encode(ROWS)
    before_P = characters_before(model, rows)
    assert len(before_P) == rows.n_learnt.sum()
    assert aligned_places(before_P, rows.first_learnt, before_P, rows.first_learnt).tolist() == list(
        range(len(before_P))
    )


def test_characters_are_counted_without_white_space():
    model = HF_KIT.model()
    rows = model.encode(ROWS[2:3])  # "the sun rises in the east", learnt whole, a token per letter
    letters = "the sun rises in the east"
    learnt = letters[letters.index("h") :]  # the first token follows nothing
    assert characters_before(model, rows).tolist() == [len("".join(learnt[:n].split())) for n in range(len(learnt) + 1)]
    assert characters_before(model, rows.take(np.array([], dtype=np.int64))).tolist() == []


def followed(model, rows, places):
    """The text before some of the learnt positions, as bytes, white space aside."""
    learnt = rows.tokens_of(0)[int(rows.start_N[0]) :]
    texts = [model.tokenizer.decode(learnt[:place]) for place in places]
    return ["".join(text.split()) for text in texts]


def models(*tokenizers):
    return [HfModel(small_llama(), tokenizer) for tokenizer in tokenizers]


def test_within_a_character_of_several_tokens_nothing_is_aligned_and_all_is_after_it():
    text = "café 北京\u3000is big"
    own, their = models(small_tokenizer(), small_tokenizer(whole="é北京"))
    (a, rows), (b, others) = [
        (characters_before(m, r), r) for m in (own, their) for r in [m.encode([TrainingRow("q", text)])]
    ]
    for mine, my_rows, hers, her_rows, model, other in [
        (a, rows, b, others, own, their),
        (b, others, a, rows, their, own),
    ]:
        places = aligned_places(mine, my_rows.first_learnt, hers, her_rows.first_learnt)
        aligned = [(n, place) for n, place in enumerate(places.tolist()) if place >= 0]
        before = followed(model, my_rows, [n for n, _ in aligned])
        assert before == followed(other, her_rows, [place for _, place in aligned])
        assert not any("\ufffd" in said for said in before)
        assert len(set(before)) == len(text.replace("\u3000", "").replace(" ", "")) + 1, "after every whole character"


def test_the_marks_of_a_thought_that_one_template_opens_move_nothing():
    thinks = small_tokenizer()
    thinks.chat_template = TEMPLATE.replace("<s>assistant\n", "<s>assistant\n<think>\n")
    own, their = models(small_tokenizer(), thinks)
    for text, n_marks in [("four", -11), ("<think>\nR\n</think>\n\nfour", 8)]:
        mine, hers = (model.encode([TrainingRow(chat("2+2?"), text)]) for model in (own, their))
        a, b = characters_before(own, mine), characters_before(their, hers)
        places = aligned_places(a, mine.first_learnt, b, hers.first_learnt).tolist()
        first = max(0, n_marks + 1)  # of a text whose opening mark the template wrote, the first token is not compared
        assert places == [n - n_marks if n >= first else -1 for n in range(len(a))]
        backwards = aligned_places(b, hers.first_learnt, a, mine.first_learnt).tolist()
        assert backwards == [n + n_marks if n + n_marks >= first else -1 for n in range(len(b))]
