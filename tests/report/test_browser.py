"""The page in a real browser: every chart is drawn, nothing is complained about, nothing hostile runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gauger.report import render

SETTINGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--virtual-time-budget=30000",
    "--enable-logging=stderr",
    "--window-size=1200,1500",
    "--dump-dom",
)


def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("this test needs Chromium: install it with `apt-get install chromium`")
    return found


def open_page(html: str, directory: Path) -> tuple[str, list[str]]:
    """Return the page as it stands after its scripts have run, and what the console said."""
    file = directory / "page.html"
    file.write_text(html, encoding="utf-8")
    command = [browser(), *SETTINGS, f"--user-data-dir={directory / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, encoding="utf-8")
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line or "Refused to" in line]
    return done.stdout, said


def unguarded(html: str, script: str) -> str:
    """Return the page without its policy and with a test script at its end."""
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    head, tail = bare.rsplit("</body>", 1)
    return f"{head}<script>{script}</script></body>{tail}"


def drawn(dom: str) -> int:
    ready = re.search(r'<html[^>]* data-ready="(\d+)"', dom)
    assert ready is not None, "the page's script did not reach its end"
    return int(ready[1])


def test_a_study_draws_every_chart_and_the_console_stays_silent(study_page: str, tmp_path: Path) -> None:
    dom, said = open_page(study_page, tmp_path)
    assert said == []
    n_charts = study_page.count('<script type="application/json" data-chart=')
    assert drawn(dom) == n_charts == 21
    assert dom.count('<svg xmlns="http://www.w3.org/2000/svg"') >= n_charts
    assert "could not be drawn" not in dom.split("<script>")[0]
    # Marks, not only axes: one text for each of the 13 rows with a value, in each of the four uplift panels.
    assert dom.count(">+35.5</text>") == 1
    assert len(re.findall(r'class="mark-text role-mark', dom)) > 21
    assert dom.count('class="save"') == n_charts
    # To a screen reader a chart is one named image: the marks inside have roles without names.
    charts = re.findall(r'<svg [^>]*class="marks"[^>]*>', dom)
    assert len(charts) == n_charts
    assert all('aria-hidden="true"' in attributes for attributes in charts)


def test_a_comparison_draws_every_chart_and_the_console_stays_silent(compare: dict[str, Any], tmp_path: Path) -> None:
    dom, said = open_page(render(compare), tmp_path)
    assert said == []
    assert drawn(dom) == 4


def test_hostile_names_and_answers_do_not_run(hostile: dict[str, Any], tmp_path: Path) -> None:
    page = render(hostile)
    dom, said = open_page(unguarded(page, "document.title = 'pwned: ' + String(window.pwned)"), tmp_path)
    assert "<title>pwned: undefined</title>" in dom  # even without the policy
    assert said == []
    assert drawn(dom) == 21


def test_the_policy_stops_a_script_that_slipped_through(study_page: str, tmp_path: Path) -> None:
    leaky = study_page.replace("<main", "<script>document.title = 'pwned'</script><main", 1)
    dom, said = open_page(leaky, tmp_path)
    assert "<title>pwned</title>" not in dom
    assert any("Content Security Policy" in line for line in said)  # and the console check above can fail


FILTER = """
const wait = setInterval(() => {
  if (!document.documentElement.dataset.ready) return;
  clearInterval(wait);
  const bar = document.querySelector('.filters[data-for=every-estimate]');
  const rows = () => Array.from(document.querySelectorAll('#every-estimate tbody tr')).filter((row) => !row.hidden);
  const told = [rows().length];
  const choose = (column, value) => {
    const select = bar.querySelector('select[data-column="' + column + '"]');
    select.value = value; select.dispatchEvent(new Event('change'));
  };
  choose(0, 'gap recovered'); told.push(rows().length);
  choose(1, 'expand'); told.push(rows().length);
  const search = bar.querySelector('[data-search]');
  search.value = 'SUM new'; search.dispatchEvent(new Event('input')); told.push(rows().length);
  search.value = ''; search.dispatchEvent(new Event('input'));
  const heads = Array.from(document.querySelectorAll('#every-estimate th'));
  const value = heads.findIndex((head) => head.textContent === 'Value');
  const order = () => rows().map((row) => row.cells[value].textContent);
  heads[value].querySelector('button').click(); const up = order();
  heads[value].querySelector('button').click(); const down = order();
  document.title = JSON.stringify({ told, up, down, found: bar.querySelector('.found').textContent });
}, 20);
"""


def test_the_table_can_be_filtered_searched_and_sorted(study: dict[str, Any], study_page: str, tmp_path: Path) -> None:
    dom, said = open_page(unguarded(study_page, FILTER), tmp_path)
    assert said == []
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(unescape(title[1]))
    gaps = [row for row in study["estimates"] if row["estimand"] == "gap_recovered"]
    expand = [row for row in gaps if row["arm"] == "expand"]
    assert seen["told"] == [len(study["estimates"]), len(gaps), len(expand), 1]
    assert seen["found"] == f"{len(expand)} of {len(study['estimates'])} rows"
    assert seen["up"][-1] == seen["down"][-1] == "denominator not distinguishable from zero"
    up, down = ([float(text.replace("\u2212", "-")) for text in seen[name][:-1]] for name in ("up", "down"))
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)
