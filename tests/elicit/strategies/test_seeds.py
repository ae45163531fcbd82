"""Seeds files: what is read, and what is said of a mistake."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elicit.teacher.answering import Answering, plain
from gauger.elicit.collect import collect_corpus
from gauger.elicit.strategies.registry import program
from gauger.elicit.strategies.rounds import conversation
from gauger.elicit.strategies.seeds import Seed, parse_seed, read_seeds
from gauger.elicit.teacher.messages import Message
from gauger.errors import InputError, Place


def write(tmp_path, *lines):
    path = tmp_path / "seeds.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


def test_everything_that_a_seed_can_have(tmp_path):
    line = {
        "id": 7,
        "prompt": "p",
        "answer": 12,
        "benchmark": "b",
        "split": "train",
        "student_answers": ["x"],
        "more": 1,
    }
    (seed,) = read_seeds(write(tmp_path, line))
    assert seed == Seed(id="7", prompt="p", answer="12", benchmark="b", split="train", student_answers=("x",))


def test_only_newlines_separate_lines_and_blank_ones_count(tmp_path):
    odd = {"id": "a", "prompt": "one\u2028two\x0cthree"}
    path = write(
        tmp_path, b"", json.dumps(odd, ensure_ascii=False).encode(), b"  ", {"id": "b", "prompt": "p", "answer": 1.5}
    )
    first, second = read_seeds(path)
    assert first.prompt == odd["prompt"]
    assert second.answer == "1.5"
    with pytest.raises(InputError, match=r"seeds.jsonl:3: .*each id once, got 'a' as on line 1"):
        read_seeds(write(tmp_path, {"id": "a", "prompt": "p"}, {"id": "b", "prompt": "p"}, {"id": "a", "prompt": "q"}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "expected a JSON object, got a line that breaks off after 1 bytes"),
        (b"[1]", "expected a JSON object, got a JSON list"),
        (b'{"id": "a"}', "prompt is missing"),
        (b'{"id": "a", "promt": "x"}', "Did you mean 'promt'"),
        (b'{"prompt": "x"}', "id is missing"),
        (b'{"id": "a", "prompt": " "}', "text as prompt, got ' '"),
        (b'{"id": "a", "prompt": 5}', "text as prompt, got 5"),
        (b'{"id": true, "prompt": "x"}', "text as id, got True"),
        (b'{"id": "a", "prompt": "x", "answer": [1]}', "text as answer"),
        (b'{"id": "a", "prompt": "x", "student_answers": "y"}', "text as student_answers"),
        (b'{"id": "a", "prompt": "\xff"}', "UTF-8 text, got byte 0xff at position 24"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, line, said):
    path = write(tmp_path, {"id": "first", "prompt": "p"}, line)
    with pytest.raises(InputError) as caught:
        read_seeds(path)
    assert said in str(caught.value)
    assert "seeds.jsonl:2" in str(caught.value)


def test_a_file_without_seeds_and_no_file_are_mistakes(tmp_path):
    with pytest.raises(InputError, match="a file with seeds"):
        read_seeds(write(tmp_path, b"", b"  "))
    with pytest.raises(InputError, match="a file of seeds, got no such file"):
        read_seeds(tmp_path / "none.jsonl")


def test_a_line_of_a_corpus_is_a_prompt_made_of_seeds():
    line = {
        "id": "0123",
        "seed_ids": ["s1", "s2"],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "why?"},
            {"role": "assistant", "content": "so"},
        ],
        "benchmark": "b",
    }
    seed = parse_seed(line, Place())
    assert (seed.prompt, seed.answer, seed.origins, seed.parents) == ("why?", None, ("s1", "s2"), ("0123",))
    plain = Seed(id="a", prompt="p")
    assert (plain.origins, plain.parents) == (("a",), ())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(min_size=1).filter(str.strip), st.none() | st.text()), min_size=1, max_size=6))
def test_any_text_comes_back_as_it_was(tmp_path, rows):
    lines = [{"id": n, "prompt": prompt, "answer": answer} for n, (prompt, answer) in enumerate(rows)]
    path = write(tmp_path, *lines)
    assert [(seed.prompt, seed.answer) for seed in read_seeds(path)] == rows


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_give_seeds_or_a_message(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_seeds(path)
    assert "any.jsonl" in str(caught.value)


TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "Two?"},
]


@pytest.mark.parametrize("answered", [[], [{"role": "assistant", "content": "No."}]])
def test_a_conversation_is_a_prompt_with_what_was_said_before_it(answered):
    seed = parse_seed({"id": "a", "messages": TURNS + answered, "answer": "No."}, Place("f", 1))
    assert (seed.prompt, seed.answer) == ("Two?", "No.")
    assert [(turn.role, turn.content) for turn in seed.before] == [(one["role"], one["content"]) for one in TURNS[:-1]]
    for wrong in ([], [{"role": "system", "content": "x"}], [{"role": "user", "content": 7}]):
        with pytest.raises(InputError):
            parse_seed({"id": "a", "messages": wrong}, Place("f", 1))
    with pytest.raises(InputError):
        parse_seed({"id": "a", "messages": [{"role": "tool", "content": "x"}, TURNS[1]]}, Place("f", 1))


def test_the_teacher_is_asked_the_whole_conversation_and_the_student_learns_it():
    teacher = Answering(plain)
    seed = parse_seed({"id": "a", "messages": TURNS}, Place("f", 1))
    (sample,) = collect_corpus(teacher, program("label"), [seed]).kept
    (request,) = teacher.asked
    said = tuple(Message(one["role"], one["content"]) for one in TURNS)
    assert request.messages == sample.prompt == said
    asked = collect_corpus(Answering(plain), program("rationale"), [seed]).kept[0]
    assert asked.prompt == said
    bare = collect_corpus(Answering(plain), program("label"), [Seed(id="b", prompt="Two?")]).kept[0]
    assert bare.prompt == said[-1:]
    assert bare.prompt_hash != sample.prompt_hash


def test_two_system_prompts_become_one():
    before = (Message("system", "Be brief."), Message("user", "One?"))
    asked = (Message("system", "Be right."), Message("user", "Two?"))
    assert conversation(before, asked) == (Message("system", "Be right.\n\nBe brief."), before[1], asked[1])
    assert conversation((), asked) == asked
