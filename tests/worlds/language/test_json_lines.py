"""The user's questions: read as they are, and refused with file and line."""

import json

import pytest

from gauger.errors import InputError
from gauger.worlds.language.world import TextWorld
from gauger.worlds.registry import describe_world
from worlds.language.small import settings

GOOD = [{"id": i, "prompt": f"Who is number {i}?", "answer": f"The {i}th", "cluster": i % 2} for i in range(6)]


def world(folder, train=GOOD[:3], test=GOOD[3:], new=None):
    tasks = {"mine": {"kind": "jsonl", "train": "train.jsonl", "test": "test.jsonl"}}
    for name, lines in (("train", train), ("test", test), ("new", new)):
        if lines is not None:
            tasks["mine"][name] = f"{name}.jsonl"
            text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
            (folder / f"{name}.jsonl").write_text(text)
    return TextWorld(settings(tasks=tasks, common=[]), folder)


def test_items_keep_their_ids_clusters_and_difficulty(tmp_path):
    made = world(tmp_path, test=[*GOOD[3:5], {**GOOD[5], "difficulty": 2.5}])
    items = {item.id: item for item in made.benchmark("mine-qa").items}
    assert set(items) == {"qa:mine:3", "qa:mine:4", "qa:mine:5"}
    assert items["qa:mine:5"].cluster == "mine:1"
    assert items["qa:mine:5"].difficulty == 2.5
    assert made.verify(items["qa:mine:5"].question, "5th.") == 1.0


def test_only_what_is_there_is_offered(tmp_path):
    assert set(world(tmp_path).listed()) == {"mine-qa", "mine-tagged"}
    assert "mine-qa-new" in world(tmp_path, test=GOOD[3:5], new=GOOD[5:]).listed()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], "test.jsonl:1"),
        ([GOOD[3], "", {"id": 9, "prompt": "x"}], "test.jsonl:3.*answer"),
        ([{**GOOD[3], "answr": 1}], "answr"),
        ([GOOD[3], {**GOOD[4], "id": 3}], "test.jsonl:2.*each id once"),
        ([GOOD[0]], "test.jsonl:1.*in train too"),
        ([{**GOOD[0], "id": "x", "prompt": "who is   NUMBER 0 ?"}], "in train too"),
        ([], "no questions|none"),
    ],
)
def test_faults_name_file_and_line(tmp_path, lines, words):
    with pytest.raises(InputError, match=words):
        world(tmp_path, test=lines).check()


def test_a_missing_file_is_the_users_mistake(tmp_path):
    made = world(tmp_path)
    (tmp_path / "test.jsonl").unlink()
    with pytest.raises(InputError, match=r"test\.jsonl"):
        made.check()


def test_digests_follow_the_content(tmp_path):
    made = world(tmp_path)
    before = describe_world(made.settings, tmp_path).files
    assert set(before) == set(made.files) == {"train.jsonl", "test.jsonl"}
    (tmp_path / "test.jsonl").write_text(json.dumps(GOOD[5]))
    after = describe_world(made.settings, tmp_path).files
    assert after["test.jsonl"] != before["test.jsonl"]
    assert after["train.jsonl"] == before["train.jsonl"]


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b"])
def test_one_line_is_one_question_whatever_breaks_lines_elsewhere(tmp_path, mark):
    """JSON Lines are divided by line feeds alone, as seeds are; a text may hold any other separator."""
    lines = [json.dumps({"id": i, "prompt": f"Who is{mark}{i}?", "answer": "me"}, ensure_ascii=False) for i in (8, 9)]
    questions = world(tmp_path, train=lines).train_questions("mine")
    assert [question.text for question in questions] == [f"Who is{mark}8?", f"Who is{mark}9?"]


WORKED = [{**line, "working": f"Count to {line['id']}."} for line in GOOD]


def with_working(folder, train, test, working):
    made = world(folder, train, test)
    task = {"kind": "jsonl", "train": "train.jsonl", "test": "test.jsonl", "working": working}
    return TextWorld(settings(tasks={"mine": task}, common=[]), made.folder)


def test_questions_with_steps_can_be_asked_for_them(tmp_path):
    made = with_working(tmp_path, WORKED[:3], WORKED[3:], working=True)
    assert set(made.listed()) == {"mine-qa", "mine-tagged", "mine-rationale"}
    items = {item.id: item for item in made.benchmark("mine-rationale").items}
    item = items["rationale:mine:4"]
    assert item.prompt == "Question: Who is number 4?\nSteps:"
    assert item.answer == " Count to 4.\nAnswer: The 4th"
    assert made.judge("strict", item, " Somehow.\nAnswer: the 4th", ended=True)[1] == 1.0
    assert made.true_answer("Question: Who is number 1?\nSteps:") == " Count to 1.\nAnswer: The 1th"


def test_without_the_setting_steps_change_nothing(tmp_path):
    plain, worked = world(tmp_path), with_working(tmp_path, WORKED[:3], WORKED[3:], working=False)
    assert set(worked.listed()) == {"mine-qa", "mine-tagged"}
    assert worked.benchmark("mine-qa") == plain.benchmark("mine-qa")


def test_a_line_without_steps_is_named_where_they_are_promised(tmp_path):
    with pytest.raises(InputError, match=r"train\.jsonl:2: expected a line with working") as error:
        _ = with_working(tmp_path, [WORKED[0], GOOD[1]], WORKED[3:], working=True).held_out
    assert "world.tasks.mine.working" in str(error.value)
