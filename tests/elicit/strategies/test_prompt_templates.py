"""Templates: ours load, a study's own take their place, and mistakes are named with file, line and key."""

from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.strategies.prompt_templates import Turn, fill, parse_template
from gauger.elicit.strategies.registry import STRATEGIES, program
from gauger.elicit.teacher.messages import Message, Request
from gauger.errors import UserError

HOLES = {"answer": frozenset({"prompt"})}
GOOD = """name: label
version: 3
parts:
  answer:
    messages:
      - {role: system, content: Be brief.}
      - {role: user, content: "{{prompt}}"}
    max_tokens: 9
"""


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_our_own_templates_fit_their_strategies(strategy):
    found = program(strategy)
    assert str(found.template) == f"{strategy}@{found.template.version}"
    assert found.template.parts.keys() == STRATEGIES.load(strategy).holes.keys()
    assert found.template.about


def test_every_template_file_is_a_strategy():
    names = {
        file.name.removesuffix(".yaml") for file in files("gauger.elicit.strategies").joinpath("templates").iterdir()
    }
    assert names == set(STRATEGIES)


def test_a_study_replaces_some_templates_and_keeps_ours(tmp_path):
    (tmp_path / "label.yaml").write_text(GOOD)
    own = program("label", tmp_path)
    request = own.template.parts["answer"].request({"prompt": "Why?"})
    assert (str(own.template), request.max_tokens) == ("label@3", 9)
    assert request.messages == (Message("system", "Be brief."), Message("user", "Why?"))
    assert own.template.shown("Why?") == (Message("user", "Why?"),)
    assert program("self", tmp_path) == program("self")
    assert program("label").template.fingerprint != own.template.fingerprint


def test_the_fingerprint_is_of_what_counts():
    about = GOOD.replace("version", "about: something\nversion")
    assert parse_template(GOOD, HOLES, "f").fingerprint == parse_template(about, HOLES, "f").fingerprint
    assert (
        parse_template(GOOD, HOLES, "f").fingerprint != parse_template(GOOD.replace("9", "8"), HOLES, "f").fingerprint
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version: 3", "version: three", "label.yaml:2: version"),
        ("version: 3\n", "", "version"),
        ("    max_tokens: 9", "    max_token: 9", "label.yaml:8: parts.answer.max_token: expected a key of a template"),
        ("max_token", "max_token", "Did you mean 'max_tokens'"),
        ("{{prompt}}", "{{promt}}", "got {{promt}}. Did you mean 'prompt'"),
        ("{{prompt}}", "nothing", "expected {{prompt}} in its messages"),
        ("  answer:", "  anwser:", "Did you mean 'answer'"),
        ("role: user", "role: robot", "parts.answer.messages.1.role"),
        ("max_tokens: 9", "max_tokens: 0", "parts.answer.max_tokens"),
        ("name: label", "name: [", "label.yaml"),
        ("name: label", "name: !!python/object:os.system x", "label.yaml"),
        (GOOD, "", "label.yaml"),
        (GOOD, "- a list", "label.yaml"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path, before, after, said):
    text = GOOD.replace(before, after, 1)
    text = text.replace("max_tokens: 9", "max_token: 9") if before == after else text
    (tmp_path / "label.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        program("label", tmp_path)
    assert said in str(caught.value)


def test_a_part_that_is_missing_and_directions_that_are_not_there(tmp_path):
    (tmp_path / "expand.yaml").write_text(GOOD.replace("label", "expand"))
    with pytest.raises(UserError, match="the part 'write'"):
        program("expand", tmp_path)
    (tmp_path / "textbook.yaml").write_text(
        GOOD.replace("label", "textbook").replace("{{prompt}}", "{{prompt}} {{direction}}")
        + "  topic:\n    messages: [{role: user, content: '{{prompt}}'}]\n"
    )
    with pytest.raises(UserError, match="directions in `vary`"):
        program("textbook", tmp_path)


def test_unknown_strategies_and_folders(tmp_path):
    with pytest.raises(UserError, match=r"'labels'. Did you mean 'label'\?"):
        program("labels")
    with pytest.raises(UserError, match="a folder of templates"):
        program("label", tmp_path / "none")
    (tmp_path / "label.yaml").write_bytes(b"name: \xff")
    with pytest.raises(UserError, match="a template in UTF-8"):
        program("label", tmp_path)


def test_limits_are_for_the_answers_alone():
    limited = program("expand").limited(max_tokens=77, temperature=0.3)
    answer, write = limited.template.parts["answer"], limited.template.parts["write"]
    assert (answer.max_tokens, answer.temperature) == (77, 0.3)
    assert write == program("expand").template.parts["write"]
    assert program("label").limited() == program("label")


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text())
def test_what_is_filled_in_is_not_looked_at_again(prompt, other):
    (message,) = fill(
        (Turn(role="user", content="a {{prompt}} b {{ other }} {c}"),), {"prompt": prompt, "other": other}
    )
    assert message.content == f"a {prompt} b {other} {{c}}"


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=80)
    | st.tuples(st.integers(0, len(GOOD)), st.text(max_size=6)).map(lambda at: GOOD[: at[0]] + at[1] + GOOD[at[0] :])
)
def test_any_text_is_a_template_or_a_message(text):
    found: object
    try:
        found = parse_template(text, HOLES, "file.yaml").parts["answer"].request({"prompt": "x"})
    except UserError as error:
        found = str(error)
    assert isinstance(found, Request) or "file.yaml" in str(found)
