"""`estimates.json` there and back."""

import json

import pytest

from gauger.errors import InputError
from gauger.records import ArmInfo, AssayCheck, BenchmarkInfo, Document, Estimate, Failure, Verdict
from gauger.store.canonical import document_bytes
from gauger.store.documents import read_document, write_document

CHECK = {"name": "leak", "outcome": "passed", "detail": "0.5 [0.4, 0.6]"}


@pytest.fixture
def document():
    estimate = Estimate(
        "uplift", "label", "matched", "quiz", "targeted", value=0.1, se=0.02, df=5.5, low=0.05, high=0.2
    )
    undefined = Estimate("gap_recovered", "label", over="near", reason="arm missing", kind="none")
    return Document(
        study={"name": "toy", "fingerprint": "f", "replicates": 4},
        estimates=[estimate, undefined],
        verdict=Verdict({"threshold": 0.25}, "undetermined", 0.4, "two more replicates", estimate, [CHECK]),
        assay=[AssayCheck("leak", "passed", "0.5 [0.4, 0.6]"), AssayCheck("placebo", "not_made", "switched off")],
        arms=[ArmInfo("label", "distilled", "labels", forms=["quiz"], steps=100)],
        benchmarks=[BenchmarkInfo("quiz", "targeted", 60)],
        ledger=[{"arm": "label", "tokens": 12}],
        failures=[Failure("placebo", None, "train", "ValueError: bad")],
        switched_off={"reference": "no ground truth"},
    )


def test_a_document_reads_back_as_it_was(tmp_path, document):
    path = write_document(tmp_path / "estimates.json", document)
    found = read_document(path)
    assert found.estimates == document.estimates
    assert found.verdict == document.verdict
    assert (found.arms, found.benchmarks) == (document.arms, document.benchmarks)
    assert (found.assay, found.failures) == (document.assay, document.failures)
    assert document_bytes(found.to_dict()) == document_bytes(document.to_dict())


def test_the_schema_stands_first(tmp_path, document):
    path = write_document(tmp_path / "estimates.json", document)
    assert list(json.loads(path.read_text()))[:3] == ["schema", "study", "estimates"]


def test_keys_of_a_later_minor_version_do_no_harm(tmp_path, document):
    path = write_document(tmp_path / "estimates.json", document)
    value = json.loads(path.read_text())
    value["estimates"][0]["later"] = 1
    path.write_text(json.dumps(value))
    assert document_bytes(read_document(path).to_dict()) == document_bytes(document.to_dict())


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"estimates\.json: no estimates are there yet"):
        read_document(tmp_path / "estimates.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not the JSON that was written there"),
        ("[1]", "expected a file of schema gauger.estimates/1 or gauger.estimates/2, got schema None"),
        ('{"schema": "gauger.estimates/9"}', "got schema 'gauger.estimates/9'"),
        ('{"schema": "gauger.estimates/1", "study": {}}', "estimates: expected"),
        (
            '{"schema": "gauger.estimates/1", "study": {}, "estimates": [{"estimand": "u", "arm": "a", "value": "x"}]}',
            "estimates.0.value: expected",
        ),
    ],
)
def test_a_file_that_is_something_else(tmp_path, content, message):
    path = tmp_path / "estimates.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_document(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_document_of_version_1_is_still_read(tmp_path, document):
    """It said in a note where a set is no interval, and passed, failed or null of a check."""
    old = document.to_dict()
    old["schema"] = "gauger.estimates/1"
    for one in (*old["estimates"], old["verdict"]["estimate"]):
        del one["kind"], one["scale"]
    notes = [
        "Below -4.42 or above 1.13: the denominator may be zero or of either sign.",
        "No ratio is ruled out: the denominator may well be zero.",
        "0.3 or more, without an upper end.",
        "0.3 or less, without a lower end. Covers item sampling alone.",
        None,
    ]
    old["estimates"] = [old["estimates"][0] | {"note": note} for note in notes] + old["estimates"][1:]
    old["assay"] = [{"name": "leak", "passed": passed, "detail": ""} for passed in (True, False, None)]
    del old["verdict"]["checks"], old["verdict"]["noise_ratio"]
    path = tmp_path / "estimates.json"
    path.write_text(json.dumps(old))
    found = read_document(path)
    assert [one.kind for one in found.estimates] == ["outside", "everything", "above", "below", "interval", "none"]
    assert [one.outcome for one in found.assay] == ["passed", "failed", "not_made"]
    assert found.verdict.estimate.scale == "points"
    assert found.to_dict()["schema"] == "gauger.estimates/2"
