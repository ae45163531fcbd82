"""Results of jobs as tables: what is there is read, what is missing has a reason, nothing crashes."""

import shutil
from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest

from gauger.elicit.sample import STEP
from gauger.execute.cache import Cache
from gauger.execute.result import RunResult
from gauger.records import ArmKind, Failure
from gauger.report import headline, render
from gauger.store import streams
from gauger.store.atomic import read_json, write_parquet
from gauger.study import run_ledger
from gauger.study.description import arm_infos
from gauger.study.document import Material, make_document
from gauger.study.ledger import ledger_rows
from gauger.study.load import open_study, plan_loaded
from gauger.study.results import KEPT_IN, READ, RECORDS, TRAINING, _told_once, collect, sample_texts
from gauger.study.run_ledger import RUN_LEDGER


@pytest.fixture(scope="module")
def loaded(tiny_study):
    return open_study(tiny_study)


@pytest.fixture(scope="module")
def planned(loaded):
    return plan_loaded(loaded)


@pytest.fixture(scope="module")
def whole(planned, finished_run):
    """The finished run's results: key -> directory."""
    cache = Cache(finished_run / "jobs")
    return {key: cache.path(key) for key in planned[0].jobs}


@pytest.fixture(scope="module")
def collected(planned, whole):
    return collect(planned[0], RunResult(done=dict(whole)))


def failed(plan, kind, arm=None):
    """The first job of a kind (of an arm)."""
    return next(job for job in plan.jobs.values() if job.kind == kind and arm in (None, job.arm))


def without(plan, whole, *jobs):
    """Results without those of some jobs and of all that read them."""
    gone = {job.key for job in jobs}
    for key, job in plan.jobs.items():
        if gone & set(job.inputs.values()):
            gone.add(key)
    reason = "ValueError: no reason\nsecond line"
    return RunResult(done={k: v for k, v in whole.items() if k not in gone}, failed=[(job, reason) for job in jobs])


def test_records_are_those_of_every_cell_with_their_names(planned, whole, collected):
    rows = []
    for cell in planned[0].cells:
        for row in pl.read_parquet(whole[cell.records] / "records.parquet").iter_rows(named=True):
            role = str(planned[0].study.benchmarks[row["benchmark"]].role)
            rows.append({"study": "tiny", "arm": cell.arm, "replicate": cell.replicate, "role": role} | row)
    assert collected.records.to_dicts() == [{name: row[name] for name in RECORDS} for row in rows]
    assert collected.failures == ()


def extremes(lengths, rows):
    """Fewest and most tokens of so many rows: texts come equally often, but which come once more is not told."""
    each, more = divmod(rows, len(lengths))
    ordered = sorted(lengths)
    return each * sum(lengths) + sum(ordered[:more]), each * sum(lengths) + sum(ordered[len(ordered) - more :])


def literal_tokens(plan, whole):
    """Fewest and most tokens trained on per arm and source: text by text, from the corpora and the rows drawn of them.

    Of a corpus with several sources each has its share in tokens of what was drawn.
    """
    tokens = defaultdict(lambda: np.zeros(2))
    for cell in plan.cells:
        for corpus, stage in zip(cell.corpora, cell.stages, strict=True):
            params = plan.jobs[stage].params
            n_web = round(params["web_share"] * params["batch"])
            texts = pl.read_parquet(whole[corpus] / "corpus.parquet").to_dicts()
            source = {row["id"]: row["source"] for row in pl.read_parquet(whole[corpus] / "ledger.parquet").to_dicts()}
            length = [2 + len(text["prompt"].split()) + len(text["answer"].split()) for text in texts]
            drawn = np.array(extremes(length, params["steps"] * (params["batch"] - n_web)))
            for text, own in zip(texts, length, strict=True):
                tokens[cell.arm, source[text["id"]]] += drawn * own / sum(length)
            web = read_json(whole[stage] / "training.json")["sources"][1:]
            if n_web:
                tokens[cell.arm, KEPT_IN] += n_web * params["steps"] * web[0]["mean_tokens"]
    return {pair: total / plan.study.replicates for pair, total in tokens.items()}


def test_tokens_per_source_against_the_training_rows(planned, whole, collected):
    rows = ledger_rows(collected)
    wanted = literal_tokens(planned[0], whole)
    assert {(row["arm"], row["source"]) for row in rows} == set(wanted)
    for row in rows:
        least, most = wanted[row["arm"], row["source"]]
        assert least - 0.5 <= row["tokens"] <= most + 0.5, row  # rounded to whole tokens
        assert most <= 1.02 * least, "which text comes once more makes little difference"
    assert {source for _, source in wanted} == {
        "teacher",
        "self",
        "web",
        "unrelated",
        "test-items",
        "untested-items",
        "truth",
        KEPT_IN,
    }


def test_an_arm_s_tokens_are_its_steps_times_its_batch(planned, collected):
    rows = collected.training
    for arm in planned[0].arms:
        own = rows.filter(arm=arm.name, replicate=1)
        drawn = sum(stage.steps * stage.batch for stage in arm.recipe)
        shortest, longest = 5, 13  # tokens of a text of this world, begin and end included
        assert shortest * drawn <= own["tokens"].sum() <= longest * drawn


def test_samples_queries_and_drops_against_the_ledger(planned, whole, collected):
    counts = defaultdict(Counter)
    for cell in planned[0].cells:
        for key in cell.corpora:
            for row in pl.read_parquet(whole[key] / "ledger.parquet").to_dicts():
                count = counts[cell.arm, row["source"]]
                count["samples"] += row["dropped"] is None
                count["dropped"] += row["dropped"] not in (None, STEP)
                count["overlaps"] += row["dropped"] is None and len(row["overlaps"]) > 0
                if row["source"] == "teacher":
                    count["queries"] += row["queries"]
                    count["teacher_tokens_in"] += row["tokens_in"]
                    count["teacher_tokens_out"] += row["tokens_out"]
    rows = {(row["arm"], row["source"]): row for row in ledger_rows(collected) if row["source"] != KEPT_IN}
    assert set(rows) == set(counts)
    for pair, count in counts.items():
        for name in ("samples", "dropped", "overlaps", "queries", "teacher_tokens_in", "teacher_tokens_out"):
            assert rows[pair][name] == round(count[name] / 2), (pair, name)
    assert rows["logits", "teacher"]["dropped"] > 0


def test_only_the_leak_arm_overlaps_with_test_items(collected):
    rows = ledger_rows(collected)
    assert {row["arm"] for row in rows if row["overlaps"]} == {"leak"}
    leaked = next(row for row in rows if row["source"] == "test-items")
    assert leaked["overlaps"] == leaked["samples"] == 36  # 16 facts and 20 questions on letters


def test_distinct_tokens_count_a_text_once(planned, whole, collected):
    seen = defaultdict(dict)
    for cell in planned[0].cells:
        for key in cell.corpora:
            for row in pl.read_parquet(whole[key] / "ledger.parquet").filter(pl.col("dropped").is_null()).to_dicts():
                seen[cell.arm, row["source"], cell.replicate][row["id"]] = row["length"]
    for row in ledger_rows(collected):
        if row["source"] != KEPT_IN:
            found = [sum(seen[row["arm"], row["source"], replicate].values()) for replicate in (0, 1)]
            assert row["unique_tokens"] == round(sum(found) / 2)
            assert row["epochs"] == pytest.approx(row["tokens"] / row["unique_tokens"], rel=0.01)  # both rounded


def test_nothing_at_all(loaded, planned):
    plan, atlas = planned
    found = collect(plan, RunResult())
    assert (found.records.height, found.ledger.uses.height, found.training.height) == (0, 0, 0)
    assert found.records.schema == pl.Schema(RECORDS)
    assert found.training.schema == pl.Schema(TRAINING)
    assert {failure.reason for failure in found.failures} == {"not run"}
    assert len(found.failures) == len(plan.cells)
    document = make_document(Material(loaded, plan, atlas, found))
    assert document.estimates
    assert all(one.value is None and one.reason for one in document.estimates)
    assert (document.verdict.outcome, document.ledger) == ("undetermined", [])
    assert document.verdict.probability_major is None
    assert headline(document.to_dict()).startswith("This study does not settle")
    assert "not run" in render(document.to_dict())


def test_tables_without_rows_can_be_stored(planned, tmp_path):
    found = collect(planned[0], RunResult())
    tables = {"records": found.records, "corpora": found.ledger.uses, "ledger": pl.concat(found.ledger.pieces())}
    for name, table in tables.items():
        assert pl.read_parquet(write_parquet(tmp_path / name, table)).schema == table.schema
    assert tables["ledger"].schema == pl.Schema(RUN_LEDGER)


@pytest.mark.parametrize("kind", ["pretrain", "ask-teacher", "ask-base", "gather", "train", "measure"])
def test_whatever_is_missing_has_its_reason(planned, whole, kind):
    plan, _ = planned
    culprit = failed(plan, kind)
    result = without(plan, whole, culprit)
    found = collect(plan, result)
    wanted = [(cell.arm, cell.replicate) for cell in plan.cells if cell.records not in result.done]
    assert [(failure.arm, failure.replicate) for failure in found.failures] == wanted
    assert {(failure.stage, failure.reason) for failure in found.failures} == {
        (culprit.stage, "ValueError: no reason\nsecond line")
    }
    assert set(found.records.select("arm", "replicate").unique().rows()) == {
        (cell.arm, cell.replicate) for cell in plan.cells if cell.records in result.done
    }


def test_what_is_missing_is_undefined_and_the_rest_is_not(loaded, planned, whole):
    plan, atlas = planned
    found = collect(plan, without(plan, whole, failed(plan, "train")))
    missing = {failure.arm for failure in found.failures}
    document = make_document(Material(loaded, plan, atlas, found))
    gone = missing - set(found.records["arm"])
    for one in document.estimates:
        assert (one.value is None) == (one.reason is not None)
        if gone & {one.arm, one.control}:
            assert one.reason == "arm missing"
    assert len(document.arms) == len(plan.arms) + 1
    render(document.to_dict())


def test_one_replicate_that_is_missing_leaves_the_arm(loaded, planned, whole):
    plan, atlas = planned
    culprit = next(job for job in plan.jobs.values() if (job.kind, job.arm, job.replicate) == ("measure", "logits", 1))
    found = collect(plan, without(plan, whole, culprit))
    assert found.failures == (Failure("logits", 1, "measure", "ValueError: no reason\nsecond line"),)
    document = make_document(Material(loaded, plan, atlas, found))
    uplift = next(one for one in document.estimates if (one.estimand, one.arm) == ("uplift", "logits"))
    assert uplift.n_replicates == 1
    assert uplift.value is not None


def test_records_without_their_corpus_are_kept_and_said(planned, whole):
    plan, _ = planned
    asked = next(job for job in plan.jobs.values() if (job.kind, job.arm) == ("ask-teacher", "label"))
    done = {key: path for key, path in whole.items() if key != asked.key}
    found = collect(plan, RunResult(done=done, failed=[(asked, "OSError: gone")]))
    assert set(found.records["arm"]) == {cell.arm for cell in plan.cells}
    assert found.ledger.uses.filter(arm="label").is_empty()
    assert {failure.arm for failure in found.failures} == {"label", "logits"}
    assert {failure.reason for failure in found.failures} == {"OSError: gone"}


def test_what_a_failed_arm_cost_stands_in_the_ledger(planned, whole, collected):
    """Its corpus was paid for, whatever became of the training."""
    plan, _ = planned
    trainings = [job for job in plan.jobs.values() if (job.kind, job.arm) == ("train", "label")]
    (label,) = [row for row in ledger_rows(collected) if (row["arm"], row["source"]) == ("label", "teacher")]
    found = collect(plan, without(plan, whole, *trainings))
    (failed_label,) = [row for row in ledger_rows(found) if (row["arm"], row["source"]) == ("label", "teacher")]
    assert failed_label == {**label, "tokens": 0, "epochs": 0.0}
    assert label["queries"] > 0
    assert found.ledger.uses.filter(arm="label").equals(collected.ledger.uses.filter(arm="label"))


def test_a_replicate_that_failed_moves_no_mean_of_those_that_were_measured(planned, whole, collected):
    plan, _ = planned
    culprit = next(job for job in plan.jobs.values() if (job.kind, job.arm, job.replicate) == ("train", "logits", 1))
    found = collect(plan, without(plan, whole, culprit))
    assert set(found.ledger.uses.filter(arm="logits")["replicate"]) == {0, 1}, "what was asked was asked"
    before, after = ({(row["arm"], row["source"]): row for row in ledger_rows(each)} for each in (collected, found))
    assert before.keys() == after.keys()
    for (arm, source), row in after.items():
        assert row["tokens"] == pytest.approx(before[arm, source]["tokens"], rel=0.1), "half of it would be missing"
        assert arm == "logits" or row == before[arm, source]


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ([("logits", 1)], "with 1 of 2 replicates of logits measured, and {} of {} models"),
        ([("base", 0), ("label", 0)], "with 2 of 2 replicates of logits measured, and {} of {} models"),
    ],
)
def test_a_limit_leaves_the_verdict_to_the_end_of_the_plan(loaded, planned, whole, gone, told):
    """What a run that a limit stopped could decide, and the whole plan again, would be two looks."""
    plan, atlas = planned
    keys = {cell.records for cell in plan.cells if (cell.arm, cell.replicate) in gone}
    done = {key: path for key, path in whole.items() if key not in keys}
    found = collect(plan, RunResult(done=done, stopped="the limit of 2 hours"))
    told = told.format(len(plan.cells) - len(gone), len(plan.cells))
    assert f"The limit of 2 hours was reached {told}" in found.unfinished
    assert make_document(Material(loaded, plan, atlas, found)).verdict.outcome not in ("major", "minor")
    assert not collect(plan, RunResult(done=done)).unfinished, "no limit kept it from being measured"
    reason = [(plan.jobs[key], "ValueError") for key in keys]
    assert not collect(plan, RunResult(done=done, failed=reason, stopped="the limit of 2 hours")).unfinished
    assert not collect(plan, RunResult(done=dict(whole), stopped="the limit of 2 hours")).unfinished


def test_a_failed_training_says_why_its_corpus_is_short(planned, whole, tmp_path):
    plan, _ = planned
    culprit = failed(plan, "train", "label")
    result = without(plan, whole, culprit)
    corpus = culprit.inputs["corpus"]
    result.done[corpus] = shutil.copytree(whole[corpus], tmp_path / "corpus")
    (tmp_path / "corpus" / "notes.json").write_text('["0 of 40 samples: the budget is spent"]')
    found = collect(plan, result)
    assert found.failures[0].reason == "ValueError: no reason\nsecond line (0 of 40 samples: the budget is spent)"


def test_notes_stand_once_per_arm(planned, whole, tmp_path):
    plan, _ = planned
    label = next(cell for cell in plan.cells if cell.arm == "label")
    key = label.corpora[0]
    changed = shutil.copytree(whole[key], tmp_path / "corpus")
    (changed / "notes.json").write_text('["26 of 40 samples: nothing new was left to ask"]')
    found = collect(plan, RunResult(done={**whole, key: changed}))
    note = "26 of 40 samples: nothing new was left to ask"
    assert [said for said in found.notes if said.endswith(note)] == [f"label, logits: {note}"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            ["9 of 40 samples: spent", "12 of 40 samples: spent", "10 of 40 samples: spent"],
            "9 to 12 of 40 samples: spent",
        ),
        (["9 of 40 samples: spent", "9 of 40 samples: spent"], "9 of 40 samples: spent"),
        (["0 of 40 samples: spent"], "0 of 40 samples: spent"),
        (["one is unpriced", "one is unpriced"], "one is unpriced"),
    ],
)
def test_notes_that_differ_in_one_count_are_one_note(given, told):
    others = [("b", "9 of 50 samples: spent"), ("b", "9 of 40 samples: there are no more")]
    notes = [*(("a", note) for note in given), *others]
    assert _told_once(notes) == (f"a: {told}", *(f"b: {note}" for _, note in others))


def test_arms_of_which_the_same_is_said_share_a_note():
    notes = [("a", "9 of 40 samples: spent"), ("b", "8 of 40 samples: spent"), ("c", "9 of 40 samples: spent")]
    assert _told_once(notes) == ("a, c: 9 of 40 samples: spent", "b: 8 of 40 samples: spent")
    assert _told_once([*notes, ("c", "8 of 40 samples: spent")])[-1] == "c: 8 to 9 of 40 samples: spent"


NOT_IN_TINY = {"cell", "untaught", "attack", "surface", "launder", "leaky_teacher"}
"""Kinds that need a factorial, an arm without a teacher, defences, or a contaminated teacher."""


def test_arms_are_introduced_with_what_they_took(planned, collected):
    ledger = ledger_rows(collected)
    arms = {arm.name: arm for arm in arm_infos(planned[0].arms, ledger)}
    rows = [row for row in ledger if row["arm"] == "logits"]
    assert arms["logits"].tokens == sum(row["tokens"] for row in rows)
    assert arms["logits"].teacher_tokens == sum(row["teacher_tokens_out"] for row in rows) > 0
    assert arms["logits"].queries == sum(row["queries"] for row in rows) > 60
    assert (arms["logits"].steps, arms["logits"].forms) == (50, ["cloze", "quiz"])
    assert (arms["logits"].strategy, arms["logits"].seed_source) == ("label, seedless", "benchmark-train, seedless")
    for name in ("placebo", "format", "leak", "reference", "matched-cloze", "base", "teacher"):
        assert (arms[name].teacher_tokens, arms[name].queries) == (None, None)
    assert (arms["base"].tokens, arms["base"].steps) == (None, None)
    assert arms["label"].matched_tokens == pytest.approx(1, abs=0.01)
    assert arms["logits"].matched_tokens == pytest.approx(1, abs=0.01)
    assert {arm.kind for arm in arms.values()} == set(map(str, ArmKind)) - NOT_IN_TINY
    assert (arms["leak"].twin, arms["leak-twin"].twin) == ("leak-twin", None)


def test_tables_and_document_are_made_of_the_files_that_are_verified_and_of_no_other(loaded, planned, whole, tmp_path):
    """What a run hashes before it goes on must be all that it reads: here nothing else is there to be read."""
    (plan, atlas), bare = planned, {}
    for key, path in whole.items():
        bare[key] = tmp_path / key
        bare[key].mkdir()
        for name in READ:
            if (path / name).exists():
                shutil.copy(path / name, bare[key] / name)
    documents = []
    for done in (whole, bare):
        result = RunResult(done=dict(done))
        texts = sample_texts(plan, result)
        material = Material(loaded, plan, atlas, collect(plan, result), texts=texts, done=result.done)
        documents.append(make_document(material).to_dict())
    assert documents[0] == documents[1]


def test_the_ledger_of_a_corpus_that_arms_share_stands_there_once(planned, whole, collected):
    uses = [
        (cell.arm, cell.replicate, stage, key)
        for cell in planned[0].cells
        for keys in (cell.corpora, cell.stages)
        for stage, key in enumerate(keys)
        if (whole[key] / "ledger.parquet").exists()
    ]
    assert collected.ledger.uses.rows() == uses
    once = dict.fromkeys(key for *_, key in uses)
    assert len(once) < len(uses)
    tables = {key: pl.read_parquet(whole[key] / "ledger.parquet") for key in once}
    literal = [{"corpus": key} | row for key, table in tables.items() for row in table.to_dicts()]
    assert pl.concat(collected.ledger.pieces()).to_dicts() == literal


def test_a_corpus_with_its_uses_is_the_ledger_of_earlier_versions(collected):
    joined = collected.ledger.uses.join(pl.concat(collected.ledger.pieces()), on="corpus", maintain_order="left_right")
    assert joined.drop("corpus").equals(pl.concat(collected.ledger.pieces_by_use()))


def test_what_a_corpus_holds_is_the_same_in_pieces(planned, whole, collected, monkeypatch):
    """Sums, distinct texts and rows do not depend on how many rows are in memory at a time."""
    whole_rows = pl.concat(collected.ledger.pieces())
    monkeypatch.setattr(streams, "GROUP_ROWS", 7)
    monkeypatch.setattr(run_ledger, "_AT_ONCE", 5)
    found = collect(planned[0], RunResult(done=dict(whole)))
    assert ledger_rows(found) == ledger_rows(collected)
    assert pl.concat(found.ledger.pieces()).equals(whole_rows)
