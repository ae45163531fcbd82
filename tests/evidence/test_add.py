"""Adding a study: validated, compared, written only when asked, and never over what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauger.errors import InputError, StudyError, UserError
from gauger.evidence.add import add_study, append_to, block
from gauger.evidence.table import EvidenceTable, data_path, load, read_results

from .make import CODING, ROW, coding_text, table, text

NEW = {"study_id": "new-2026", "arm": "New-7B", "score_control": "40.0", "score_distilled": "45.0"}


@pytest.fixture(scope="module")
def small() -> EvidenceTable:
    return table([
        {"study_id": f"s{i}", "arm": f"a{i}", "benchmark": name, "score_distilled": str(50 + i)}
        for i in range(4) for name in ("A", "B")
    ])  # fmt: skip


def test_a_new_study_changes_the_headline(small: EvidenceTable) -> None:
    found = add_study(
        small, text(NEW, {**NEW, "benchmark": "GSM8K"}), "new.csv", coding_text({"study_id": "new-2026"}), "c.csv"
    )
    assert found.n_rows == 2
    assert found.entered == {"pooled": 2}
    line = next(one for one in found.changes() if one["over"] == "untouched base" and one["role"] == "targeted")
    assert line["after"] < line["before"]
    assert line["shift"] == pytest.approx(line["after"] - line["before"])
    assert found.after.untouched.n_studies == found.before.untouched.n_studies + 1
    undefined = next(one for one in found.changes() if one["role"] == "fresh")
    assert (undefined["before"], undefined["after"], undefined["shift"]) == (None, None, None)


def test_rows_that_do_not_enter_say_why(small: EvidenceTable) -> None:
    artefact = {**NEW, "notes": "ARTEFACT SUSPECTED"}
    found = add_study(small, text(artefact), "new.csv", coding_text({"study_id": "new-2026"}), "c.csv")
    assert found.entered == {"scoring artefact suspected": 1}
    assert {one["shift"] for one in found.changes() if one["shift"] is not None} <= {0.0}


def test_findings_name_the_lines_of_the_new_file(small: EvidenceTable) -> None:
    wrong = {**NEW, "n_items": "30", "score_distilled": "45.0", "score_teacher": "44"}
    found = add_study(
        small, text(NEW, {**wrong, "benchmark": "AIME24"}), "new.csv", coding_text({"study_id": "new-2026"}), "c"
    )
    assert {one.row for one in found.findings} == {3}
    assert {str(one.kind) for one in found.findings} == {"not a multiple of 1/n", "student above its teacher"}


def test_a_known_study_needs_no_coding(small: EvidenceTable) -> None:
    found = add_study(small, text({"study_id": "s1", "arm": "a new arm"}), "new.csv")
    assert found.table.studies.height == small.studies.height
    assert found.table.results.height == small.results.height + 1


@pytest.mark.parametrize(
    ("rows", "studies", "error", "message"),
    [
        (text(NEW), None, StudyError, r"new\.csv:2: study_id: expected a study that studies\.csv codes"),
        (block([]), None, UserError, "at least one row"),
        (text({"study_id": "s1", "arm": "a1", "benchmark": "A", "score_distilled": "51"}), None, UserError, "are new"),
        (text(NEW), coding_text({"study_id": "s1"}), UserError, "coded already"),
        (text({**NEW, "n_items": "x"}), None, StudyError, r"new\.csv:2: n_items"),
        (text(NEW), coding_text({"study_id": "new-2026", "control_quality": "fine"}), StudyError, "control_quality"),
        ("a,b\n1,2\n", None, InputError, "known columns"),
    ],
    ids=["uncoded", "empty", "known rows", "coded twice", "bad cell", "bad coding", "other file"],
)  # fmt: skip
def test_mistakes(small: EvidenceTable, rows: str, studies: str | None, error: type[UserError], message: str) -> None:
    with pytest.raises(error, match=message):
        add_study(small, rows, "new.csv", studies, "coding.csv")


def test_appending_keeps_the_old_lines_byte_for_byte(tmp_path: Path) -> None:
    for name in ("results.csv", "studies.csv"):
        (tmp_path / name).write_bytes((data_path() / name).read_bytes())
    old = (tmp_path / "results.csv").read_bytes()
    append_to(tmp_path, text(NEW), coding_text({"study_id": "new-2026"}))
    new = (tmp_path / "results.csv").read_bytes()
    assert new.startswith(old)
    again = load(tmp_path)
    assert again.results.height == len(load().results) + 1
    assert again.results.row(-1, named=True)["arm"] == "New-7B"
    assert again.studies.row(-1, named=True)["study_id"] == "new-2026"


def test_appending_follows_the_file_s_own_column_order(tmp_path: Path) -> None:
    names = list(ROW)[::-1]
    whole = text({}).splitlines()
    header = whole[0].split(",")
    order = [*names, *[name for name in header if name not in names]]
    (tmp_path / "results.csv").write_text(",".join(order) + "\n", encoding="utf-8")
    append_to(tmp_path, text(NEW), None)
    (tmp_path / "studies.csv").write_text(coding_text(CODING | {"study_id": "new-2026"}), encoding="utf-8")
    assert load(tmp_path).results["score_distilled"].to_list() == [45.0]


def test_an_appended_cell_keeps_its_carriage_return(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_bytes(text({}).encode())
    append_to(tmp_path, text({"notes": "one\rtwo"}), None)
    assert read_results(tmp_path / "results.csv")["notes"].to_list()[1] == "one\rtwo"
