"""Pairs and questions of an external training: the same, in the same order, as our own engine would take them."""

import json

import numpy as np
import pytest
from tests.train.models import chat, hf_model, small_llama, small_tokenizer

from gauger.train.external.material import DrawPlan, PairMaterial, QuestionMaterial
from gauger.train.hf import ENGINE
from gauger.train.loop import Options
from gauger.train.preferences import Pair, Preferences, train_on_preferences
from gauger.train.rewards import Play, one_by_one, train_on_rewards

PAIRS = (Pair("2+2=", "4", "5"), Pair(chat("name a colour"), "red", "seven"), Pair("1+2=", "3", "12"))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    place = tmp_path_factory.mktemp("start")
    small_llama().save_pretrained(str(place))
    small_tokenizer().save_pretrained(str(place))
    return place


def written(material, start, form, folder, **plan):
    drawn = material.drawn(start, DrawPlan(**{"steps": 3, "batch": 4, "seed": 5} | plan))
    drawn.write(form, folder / "rows.jsonl")
    return drawn, [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_pairs_come_in_the_order_of_our_own_engine_with_its_tokens(start, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "gauger.train.preferences.fit_rows", lambda model, rows, draws, *rest: seen.append((rows, draws))
    )
    model = ENGINE.load(start)
    train_on_preferences(model, Preferences(PAIRS, 2), model.defaults.schedule(3, 0.01), Options(5))
    (((rows,), draws),) = seen
    drawn, lines = written(PairMaterial(PAIRS, 0.1), start, "tokens", tmp_path)
    ours = np.concatenate([step[0] for step in draws])
    assert len(lines) == 3 * 2
    for place, line in enumerate(lines):
        better, worse = (list(rows.tokens_of(int(ours[2 * place + side]))) for side in (0, 1))
        assert line["prompt_ids"] + line["chosen_ids"] == better
        assert line["prompt_ids"] + line["rejected_ids"] == worse
        assert len(line["prompt_ids"]) == int(rows.start_N[ours[2 * place]])
    assert drawn.used.count_N.tolist() == np.bincount(ours, minlength=6).tolist()
    assert written(PairMaterial(PAIRS, 0.1), start, "tokens", tmp_path, seed=6)[1] != lines


def test_formats_of_pairs(start, tmp_path):
    material = PairMaterial(PAIRS[1:2], 0.1)
    user, red, seven = ({"role": role, "content": text} for role, text in
                        (("user", "name a colour"), ("assistant", "red"), ("assistant", "seven")))  # fmt: skip
    assert written(material, start, "messages", tmp_path)[1][0] == {
        "messages": [user],
        "chosen": red,
        "rejected": seven,
    }
    described = json.loads((tmp_path / "dataset_info.json").read_text())["gauger"]
    assert (described["ranking"], described["columns"]["rejected"]) == (True, "rejected")
    both = {"prompt": [user], "chosen": [red], "rejected": [seven]}
    assert written(material, start, "prompt-completion", tmp_path)[1][0] == both
    plain = {"prompt": "name a colour", "chosen": "red", "rejected": "seven"}
    assert written(material, start, "plain", tmp_path)[1][0] == plain
    text = {"prompt": "2+2=", "chosen": "4", "rejected": "5"}
    assert written(PairMaterial(PAIRS[:1], 0.1), start, "prompt-completion", tmp_path)[1][0] == text


def test_questions_come_in_the_order_of_our_own_engine(start, tmp_path):
    prompts = tuple(f"{n}+{n}=" for n in range(5))
    asked = []

    material = QuestionMaterial(prompts, answer_tokens=3, group=2, kl_weight=0.1, clip=0.2, updates=2)
    drawn, lines = written(material, start, "plain", tmp_path, steps=5)
    order = [line["id"] for line in lines]
    assert len(order) == 3 * 2, "three batches of two questions: the last is used once"
    assert [line["prompt"] for line in lines] == [prompts[place] for place in order]
    reward = one_by_one(lambda place, answer: asked.append(place) or 0.0)
    play = Play(material.asked, reward, group=2, per_step=4, updates=2)
    model = hf_model()
    train_on_rewards(model, play, model.defaults.schedule(5, 0.01), Options(5))
    assert asked[::2] == order
    assert drawn.longest == max(map(len, prompts)) + 3, "a token a byte, and the longest answer"


def test_formats_of_questions(start, tmp_path):
    def first(prompt, form):
        material = QuestionMaterial((prompt,), 3, 2, 0.1, 0.2, 1)
        return written(material, start, form, tmp_path)[1][0]

    user = {"role": "user", "content": "name a colour"}
    assert first(chat("name a colour"), "prompt-completion") == {"id": 0, "prompt": [user]}
    assert first("2+2=", "prompt-completion") == {"id": 0, "prompt": "2+2="}
    assert first("name a colour", "messages") == {"id": 0, "prompt": [user]}
    assert first(chat("name a colour"), "plain") == {"id": 0, "prompt": "name a colour"}
