"""Results tell, draw and report what stands in their document; `import gauger` costs nothing."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import polars as pl
import pytest

import gauger
from api.samples import effects, points, records
from gauger.api.frames import frame_of, polars_of
from gauger.errors import InputError, UserError
from gauger.records import Estimate, Reason

NAMES = {"distilled": "student", "control": "plain", "teacher": "boss"}


@pytest.fixture(scope="module")
def comparison() -> gauger.api.Comparison:
    return gauger.compare(records(), **NAMES)


# --- the package -----------------------------------------------------------------------------------------------------


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sorted(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_else() -> None:
    assert modules_after("import gauger") - modules_after("pass") == {"gauger"}


def test_the_functions_are_those_that_the_types_promise() -> None:
    promised = (Path(gauger.__file__).parent / "__init__.pyi").read_text(encoding="utf-8")
    assert set(gauger.FUNCTIONS) == set(gauger.__all__) == {n for n in gauger.__all__ if f"as {n}\n" in promised}
    assert promised.count(" import ") == len(gauger.FUNCTIONS)
    assert set(gauger.FUNCTIONS) <= set(dir(gauger))
    for name in gauger.FUNCTIONS:
        described = inspect.getdoc(getattr(gauger.api, name)) or ""
        assert "Parameters\n---" in described, name


def test_a_room_that_bears_the_name_of_a_function_is_both() -> None:
    code = "import gauger; from gauger.evidence import load; assert callable(gauger.evidence); gauger.evidence.load"
    modules_after(code)
    modules_after("import gauger.evidence as e; assert callable(e) and e.load and len(e().table.studies) > 100")
    modules_after("import gauger; e = gauger.evidence; import gauger.evidence as f; assert e is f")
    assert list(inspect.signature(gauger.evidence).parameters) == ["table"]


def test_an_unknown_name_is_no_function() -> None:
    with pytest.raises(AttributeError, match="no attribute 'compair'"):
        gauger.compair  # noqa: B018


# --- estimates -------------------------------------------------------------------------------------------------------


def test_estimates_are_the_rows_of_the_document(comparison: gauger.api.Comparison) -> None:
    assert comparison.estimates.to_dicts() == comparison.to_dict()["estimates"]


def test_a_column_without_any_value_keeps_its_type() -> None:
    row = Estimate("uplift", "a", reason=Reason.NO_COMMON_ITEMS, kind="none").to_dict()
    frame = frame_of([row])
    assert frame.schema["value"] == frame.schema["low"] == pl.Float64()
    assert frame.schema["n_items"] == pl.Int64()
    assert frame.schema["benchmark"] == pl.String()
    assert frame["value"].to_list() == [None]


def test_estimates_as_pandas(comparison: gauger.api.Comparison) -> None:
    frame = comparison.to_pandas()
    assert list(frame.columns) == comparison.estimates.columns
    assert frame["value"].dropna().tolist() == comparison.estimates["value"].drop_nulls().to_list()


def test_what_pandas_holds_for_nothing_is_null() -> None:
    import pandas as pd

    given = pd.DataFrame(
        {"a": [1.5, float("nan")], "b": ["x", None], "c": pd.array([1, None], dtype="Int64"), 4: [True, False]}
    )
    assert polars_of(given).to_dicts() == [
        {"a": 1.5, "b": "x", "c": 1, "4": True},
        {"a": None, "b": None, "c": None, "4": False},
    ]
    assert polars_of(given.head(0)).is_empty()


# --- what is shown ---------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_notebook_shows_headline_warnings_and_estimates_without_running_anything() -> None:
    evil = "<script>alert(1)</script>"
    frame = records().with_columns(pl.col("arm").replace("student", evil))
    found = gauger.compare(frame, distilled=evil, control="plain")
    seen = Tags()
    seen.feed(found._repr_html_())
    assert "script" not in seen.tags
    assert evil in seen.text
    assert seen.tags.count("tr") == 1 + min(12, len(found.estimates))
    assert f"{len(found.estimates) - 12} more rows" in seen.text


def test_short_words_name_the_kind_and_the_finding(comparison: gauger.api.Comparison) -> None:
    assert repr(comparison) == f"<Comparison: {comparison.headline}>"
    assert "student" in comparison.headline
    assert repr(gauger.meta(effects(), effect="yi", variance="vi")).startswith("<MetaAnalysis: mean effect 0.")
    fitted = gauger.fit(points(), law="hoffmann", bootstrap=100, starts=20)
    assert repr(fitted).startswith("<ScalingFit: hoffmann: ")
    assert fitted.estimates["name"].to_list() == [one["name"] for one in fitted.to_dict()["parameters"]]


def test_figures_are_altair_charts_of_the_report(comparison: gauger.api.Comparison) -> None:
    assert "uplift" in comparison.figures
    for name in comparison.figures:
        chart = comparison.figure(name)
        assert isinstance(chart, alt.TopLevelMixin)
        chart.to_dict()  # valid Vega-Lite: Altair checks it here
    with pytest.raises(UserError, match=r"the name of a figure, got 'uplfit'\. Did you mean 'uplift'"):
        comparison.figure("uplfit")


def test_a_report_is_a_page_or_a_directory(comparison: gauger.api.Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "new" / "page.html")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["page.html"]
    whole = comparison.report(tmp_path / "all")
    assert whole.read_bytes() == page.read_bytes()
    assert {one.name for one in (tmp_path / "all").iterdir()} == {
        "report.html",
        "figures",
        "estimates.json",
        "items.csv",
    }
    assert json.loads((tmp_path / "all" / "estimates.json").read_bytes()) == comparison.to_dict()


def test_fits_and_meta_analyses_have_pages_too(tmp_path: Path) -> None:
    wanted = points().select("n_params", "n_tokens").head(2)
    fitted = gauger.fit(points(), law="hoffmann", predict=wanted, bootstrap=100, starts=20)
    page = fitted.report(tmp_path / "law").read_text(encoding="utf-8")
    assert re.findall(r'<section id="([a-z-]+)"', page) == ["parameters", "back-test-on-points-held-out", "predictions"]
    assert f"{fitted.estimates['value'][0]:.4g}" in page
    assert fitted.figures == ()
    pooled = gauger.meta(effects(), effect="yi", variance="vi")
    page = pooled.report(tmp_path / "pooled.html").read_text(encoding="utf-8")
    assert f"{pooled.estimates['value'][0]:.3f}" in page


def test_a_verdict_is_that_of_the_document_and_cannot_be_changed(finished_run: Path) -> None:
    found = gauger.load_run(finished_run)
    assert found.verdict is not None
    assert dict(found.verdict) == json.loads((finished_run / "estimates.json").read_bytes())["verdict"]
    with pytest.raises(TypeError):
        found.verdict["outcome"] = "major"  # type: ignore[index]


def test_a_comparison_has_no_verdict(comparison: gauger.api.Comparison) -> None:
    assert comparison.verdict is None


# --- mistakes --------------------------------------------------------------------------------------------------------


def test_mistakes_are_told_with_their_row() -> None:
    frame = effects().with_columns(vi=pl.when(pl.col("size") == 4).then(-1.0).otherwise(pl.col("vi")))
    with pytest.raises(InputError, match=r"DataFrame:5: vi: expected a variance above 0, got -1"):
        gauger.meta(frame, effect="yi", variance="vi")
    wrong = records().with_columns(score=pl.lit(3.0))
    with pytest.raises(InputError, match=r"DataFrame: row 1, score: expected a score from 0 to 1"):
        gauger.compare(wrong, **NAMES)
    with pytest.raises(UserError, match="expected a distilled arm and a control"):
        gauger.compare(records(), distilled="student")
    with pytest.raises(UserError, match="expected a DataFrame, a path, or a mapping of arms to paths, got list"):
        gauger.compare([1], distilled="a", control="b")  # type: ignore[arg-type]
    nested = effects().with_columns(yi=pl.concat_list("yi"))
    with pytest.raises(InputError, match="a column of numbers or text"):
        gauger.meta(nested, effect="yi", variance="vi")
