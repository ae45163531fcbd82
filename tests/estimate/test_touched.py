"""Uplift on touched and clean items, and the difference in differences, from logs and an audit of them."""

import json

import numpy as np
import pytest

import gauger
from gauger.audit import AuditedBenchmark, flags_for
from gauger.errors import InputError, UserError
from measure.importers.lm_eval_logs import write_generation_log

N = 200


def write_log(folder, scores, model, seed=0):
    return write_generation_log(folder / "m", scores, scores, model=model)


@pytest.fixture
def logs(tmp_path):
    rng = np.random.default_rng(6)
    easy = rng.random(N) < 0.5
    touched = np.arange(N) < 60
    for arm, more in (("distilled", 0.4), ("control", 0.0)):
        chance = 0.3 + 0.2 * easy + more * touched + (0.1 if arm == "distilled" else 0)
        write_log(tmp_path / arm, (rng.random(N) < np.minimum(chance, 1)).astype(float), arm)
    return tmp_path


def keep_audit(folder, logs, touched, key="document"):
    from pathlib import Path

    from gauger.audit import audit_document  # noqa: F401 - the document's own shape is tested elsewhere
    from gauger.measure import logged_items

    items = list(logged_items(Path(logs) / "distilled"))
    name = items[0].benchmark
    rows = [
        {"benchmark": name, "item": one.label, "flag": k in touched, "net": "n-grams", "keys": {key: one.keys[key]}}
        for k, one in enumerate(items)
    ]
    document = {
        "schema": "gauger.audit/1",
        "benchmarks": [{"benchmark": name, "counted_nets": ["n-grams"]}],
        "items": rows,
    }
    folder.mkdir(exist_ok=True)
    (folder / "audit.json").write_text(json.dumps(document))
    return folder


def ask(logs, audit=None):
    return gauger.compare({"distilled": logs / "distilled", "control": logs / "control"}, audit=audit).to_dict()


def test_the_difference_is_the_difference_of_the_differences(logs, tmp_path):
    audit = keep_audit(tmp_path / "audit", logs, set(range(60)))
    found = ask(logs, audit)["study"]["audit"]
    assert not [one["note"] for one in found["estimates"] if "\x1f" in str(one["note"])]
    (counts,) = found["benchmarks"]
    assert (counts["touched"], counts["clean"], counts["unknown"]) == (60, 140, 0)
    names = ("group", "estimand", "arm", "scale", "benchmark")
    by = {tuple(one[name] for name in names): one for one in found["estimates"]}
    name = counts["benchmark"]

    def mean(group, arm):
        return by[group, "score", arm, "points", name]["value"]

    by_hand = (mean("touched", "distilled") - mean("clean", "distilled")) - (
        mean("touched", "control") - mean("clean", "control")
    )
    difference = by["difference", "memorisation", "distilled", "points", name]
    assert difference["value"] == pytest.approx(by_hand, abs=1e-12)
    uplift = {group: by[group, "uplift", "distilled", "points", name] for group in ("touched", "clean")}
    assert difference["value"] == pytest.approx(uplift["touched"]["value"] - uplift["clean"]["value"], abs=1e-12)
    assert difference["low"] > 0.1
    assert by["difference", "memorisation", "distilled", "logit", name]["low"] > 0
    assert (uplift["touched"]["n_items"], uplift["clean"]["n_items"]) == (60, 140)


def test_items_of_one_text_share_its_flag():
    audited = [AuditedBenchmark("b", {"question": {"q": True, "r": False}, "id": {"a": True}})]
    assert flags_for(audited, "b", "question", ["q", "q#17:t", "r#2:t", "s#1:t"]) == [True, True, False, None]
    assert flags_for(audited, "b", "id", ["a", "a#2"]) == [True, None], "an id is what it is"


def test_clean_and_touched_alike_give_no_difference(logs, tmp_path):
    other = set(range(0, N, 4))
    found = ask(logs, keep_audit(tmp_path / "audit", logs, other))["study"]["audit"]
    difference = next(one for one in found["estimates"] if one["group"] == "difference" and one["scale"] == "points")
    assert difference["low"] < 0 < difference["high"]


def test_items_are_known_by_what_the_logs_were_matched_by(logs, tmp_path):
    audit = keep_audit(tmp_path / "audit", logs, set(range(60)), key="id")
    with pytest.raises(UserError, match=r"knows 0 of 200 items by document"):
        ask(logs, audit)


def test_the_rest_of_the_comparison_stays(logs, tmp_path):
    plain, more = ask(logs), ask(logs, keep_audit(tmp_path / "audit", logs, {1, 2}))
    assert plain["estimates"] == more["estimates"]
    assert "audit" not in plain["study"]


def test_what_is_no_audit_is_refused(logs, tmp_path):
    with pytest.raises(InputError, match=r"no audit\.json"):
        ask(logs, tmp_path)
    (tmp_path / "audit.json").write_text("[]")
    with pytest.raises(InputError, match="an audit"):
        ask(logs, tmp_path)


def test_text_and_report_show_it(logs, tmp_path, capsys):
    from gauger.cli.application import main

    audit = keep_audit(tmp_path / "audit", logs, set(range(60)))
    arms = [f"{arm}={logs / arm}" for arm in ("distilled", "control")]
    assert main(["compare", *arms, "--audit", str(audit), "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "60 touched, 140 clean" in text
    assert "more gained on touched" in text
    page = (tmp_path / "out" / "report.html").read_text()
    assert "On touched and on clean items" in page
