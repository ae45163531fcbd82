"""`gauger.audit` says what the command says, and its result can be looked at."""

import json

import pytest

import gauger
from gauger.errors import UserError

TEXT = "A farmer sells nine crates of pears and six crates of plums at the market and keeps the rest for winter."


@pytest.fixture
def files(tmp_path):
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"text": f"Well: {TEXT} So."}) + "\n")
    items = [{"id": "farm", "prompt": TEXT}, {"id": "other", "prompt": "Who wrote the long poem about the old mill?"}]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))
    return tmp_path


def test_a_room_and_a_function_of_one_name(files, capsys):
    from gauger.cli.application import main

    found = gauger.audit({"web": files / "corpus.jsonl"}, {"pears": str(files / "items.jsonl")})
    place = ["--corpus", f"web={files / 'corpus.jsonl'}", "--against", f"pears={files / 'items.jsonl'}"]
    assert main(["audit", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found.to_dict()
    assert found.estimates["flagged"].to_list() == [1]
    assert found.headline == "pears: 1 of 2 items touched"
    assert found.items.filter(flag=True)["item"].unique().to_list() == ["farm"]
    assert set(found.rates["net"]) == {"n-grams", "n-grams, any numbers"}
    assert found.figures == ("shares",)
    assert "farm" in found.report(files / "out").read_text()
    assert "pears" in found._repr_html_()


def test_paths_may_be_several_and_mistakes_are_named(files):
    found = gauger.audit([files / "corpus.jsonl"] * 2, files / "items.jsonl", planted=5, seed=3)
    assert found.to_dict()["corpora"] == [{"source": "corpus.jsonl", "n_texts": 2}]
    with pytest.raises(UserError, match="no such file"):
        gauger.audit(files / "none.jsonl", files / "items.jsonl")
