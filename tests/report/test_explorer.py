"""The explorer of the evidence page: its means and study lines equal the Python engine, and it runs in a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from gauger.evidence import load
from gauger.evidence.clean import prepare
from gauger.evidence.columns import ROLES
from gauger.evidence.effects import add_effects, shared_controls
from gauger.evidence.explorer import OPTIONS, Explorer, explore
from gauger.evidence.fit import Evidence
from gauger.evidence.forest import row_variance, study_means
from gauger.evidence.pool import fit_rows, pool_roles, role_terms
from gauger.evidence.restrict import rows_of
from gauger.report.evidence.answer import explorer_data
from gauger.report.evidence.page import write_evidence

PROBE = """
const waiting = setInterval(() => {
  if (!document.documentElement.dataset.ready) return;
  clearInterval(waiting);
  const select = document.querySelectorAll('.explorer select[data-option]')[1];
  const body = document.querySelector('.explorer tbody'), before = body.textContent;
  select.selectedIndex = 2;
  select.dispatchEvent(new Event('change'));
  document.title = JSON.stringify({
    changed: before !== body.textContent,
    lines: document.querySelectorAll('.explorer svg circle').length,
    charts: document.querySelectorAll('.chart svg').length,
    failed: Array.from(document.querySelectorAll('.chart')).some((box) => box.textContent.includes('not be drawn')),
    wide: document.documentElement.scrollWidth,
    badges: document.querySelectorAll('.badge').length,
  });
}, 500);
"""
CHOSEN = [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (0, 0, 1, 0, 1), (1, 2, 1, 1, 0), (2, 0, 0, 0, 0), (0, 2, 1, 0, 2)]
SCRIPT = Path(str(files("gauger.report") / "evidence" / "explorer.js"))


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return prepare(load())


@pytest.fixture(scope="module")
def found(frame: pl.DataFrame) -> Explorer:
    return explore(frame)


def kept(frame: pl.DataFrame, chosen: tuple[int, ...]) -> pl.DataFrame:
    """The rows of a combination, from the definition of the options alone."""
    conditions = [list(options.values())[place] for options, place in zip(OPTIONS.values(), chosen, strict=True)]
    return rows_of(frame).filter(pl.all_horizontal([one.fill_null(False) for one in conditions]))


@pytest.mark.parametrize("chosen", CHOSEN)
def test_means_equal_the_ordinary_analysis(frame: pl.DataFrame, found: Explorer, chosen: tuple[int, ...]) -> None:
    """Means to the search's tolerance; errors in score form within some per cent of CR2, 12 % of the width at most."""
    ordinary = pool_roles(kept(frame, chosen))
    for role in map(str, ROLES):
        one, other = found.means[chosen][role], ordinary[role]
        assert (one.rows, one.studies) == (other.n_rows, other.n_studies)
        if one.estimate is None:
            continue
        assert one.estimate == pytest.approx(other.estimate, abs=2e-2)
        if other.df > 4:
            assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.12)
            wide = other.prediction_high - other.prediction_low
            assert one.prediction_high - one.prediction_low == pytest.approx(wide, rel=0.05)


def test_undefined_means_have_no_number(found: Explorer) -> None:
    some = [one for by_role in found.means.values() for one in by_role.values()]
    assert len(found.means) == 162
    assert any(one.estimate is None for one in some)
    assert all((one.low is None) == (one.estimate is None) for one in some)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to run the page's script")
@pytest.mark.parametrize("chosen", CHOSEN[:4])
def test_study_lines_of_the_script_equal_python(
    frame: pl.DataFrame, found: Explorer, chosen: tuple[int, ...], tmp_path: Path
) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps(explorer_data(found)), encoding="utf-8")
    code = (
        f"const {{Explorer}} = require({json.dumps(str(SCRIPT))});"
        f"const data = JSON.parse(require('fs').readFileSync({json.dumps(str(data))}, 'utf8'));"
        f"console.log(JSON.stringify(Explorer.lines(data, {list(chosen)}, 0)));"
    )
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    lines = {line["study"]: line for line in json.loads(done.stdout)}
    rows = add_effects(kept(frame, chosen)).filter(pl.col("benchmark_role") == "targeted")
    every = kept(frame, chosen)
    every = add_effects(every.filter(pl.col("study_id").n_unique().over("benchmark_role") >= 2))
    fitted = fit_rows(every, role_terms(every), robust=False)
    own = row_variance(fitted)[(every["benchmark_role"] == "targeted").to_numpy().argmax()]
    names = list(dict.fromkeys(found.frame["study_id"].to_list()))
    assert len(lines) == rows["study_id"].n_unique()
    for study, group in ((one["study_id"][0], one) for one in rows.partition_by("study_id")):
        line = lines[names.index(study)]
        codes = shared_controls(group)
        v = [[0.0] * len(group) for _ in range(len(group))]
        variance, control = group["variance"].to_list(), group["control_variance"].to_list()
        for i in range(len(group)):
            for j in range(len(group)):
                v[i][j] = variance[i] + own if i == j else control[i] * (codes[i] == codes[j] >= 0)
        weight = pl.Series(_solve(v))
        # the page keeps effects to 0.001 points and variances to 0.0001
        assert line["mean"] == pytest.approx(float((weight * group["effect"]).sum() / weight.sum()), abs=0.02)
        assert line["se"] == pytest.approx(float(weight.sum()) ** -0.5, rel=0.01)
        assert line["n"] == len(group)


def _solve(v: list[list[float]]) -> list[float]:
    import numpy as np

    solved: list[float] = np.linalg.solve(np.array(v), np.ones(len(v))).tolist()
    return solved


def test_study_means_are_the_forest_s(frame: pl.DataFrame) -> None:
    from gauger.evidence.forest import study_forest

    rows = add_effects(rows_of(frame, ("rl-instead",)))
    fitted = fit_rows(rows, role_terms(rows), robust=False)
    means, variances = study_means(rows, fitted)
    assert len(means) == len(variances) == rows["study_id"].n_unique()
    assert study_forest(frame, "untouched base").lines


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium to open the page")
@pytest.mark.parametrize("width", [1280, 390])
def test_it_runs_in_a_browser_without_console_errors(tmp_path: Path, width: int, page: Path) -> None:
    """A script chooses options, reads the table and the forest, and writes what it saw into the page."""
    probe = f"<script>{PROBE}</script>"
    open_page = tmp_path / "probe.html"
    text = page.read_text(encoding="utf-8")
    policy = text.index('<meta http-equiv="Content-Security-Policy"')
    text = text[:policy] + text[text.index(">", policy) + 1 :]
    start, _, end = text.rpartition("</body>")
    open_page.write_text(start + probe + "</body>" + end, encoding="utf-8")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--window-size={width},2000", "--virtual-time-budget=30000", "--dump-dom", f"file://{open_page}"],
        capture_output=True, text=True, check=True, timeout=180,
    )  # fmt: skip
    seen = json.loads(done.stdout.split("<title>")[1].split("</title>")[0].replace("&quot;", '"'))
    assert seen["changed"]
    assert seen["lines"] > 5
    assert seen["charts"] >= 15
    assert not seen["failed"]
    assert seen["badges"] == 10
    assert seen["wide"] <= max(width, 500)
    assert "CONSOLE" not in done.stderr


@pytest.fixture(scope="module")
def page(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_evidence(evidence, tmp_path_factory.mktemp("page") / "evidence.html")
