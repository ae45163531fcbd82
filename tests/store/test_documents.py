"""`estimates.json` there and back."""

import json

import pytest

from gauger.errors import InputError
from gauger.records import ArmInfo, AssayCheck, BenchmarkInfo, Document, Estimate, Failure, Verdict
from gauger.store.canonical import document_bytes
from gauger.store.documents import read_document, write_document


@pytest.fixture
def document():
    estimate = Estimate(
        "uplift", "label", "matched", "quiz", "targeted", value=0.1, se=0.02, df=5.5, low=0.05, high=0.2
    )
    undefined = Estimate("gap_recovered", "label", over="near", reason="arm missing")
    return Document(
        study={"name": "toy", "fingerprint": "f", "replicates": 4},
        estimates=[estimate, undefined],
        verdict=Verdict({"threshold": 0.25}, "undetermined", 0.4, "two more replicates", estimate),
        assay=[AssayCheck("leak", True, "0.5 [0.4, 0.6]"), AssayCheck("placebo", None, "switched off")],
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
        ("[1]", "expected a file of schema gauger.estimates/1, got schema None"),
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
