"""The packaged scores by date say where each was read, and months and compute are the uplift over a slope."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gauger.errors import InputError
from gauger.forecast.equivalents import COLUMNS, equivalents, read_progress
from gauger.forecast.groups import DATA
from gauger.forecast.mixture import MixedForecast
from gauger.store import parse_csv

FILE = DATA / "scores_by_date.csv"
TABLE = parse_csv(FILE.read_text("utf-8"), FILE.name)
ROWS = [dict(zip(TABLE.header, cells, strict=True)) for _, cells in TABLE.rows]


def test_every_packaged_score_has_a_source_and_a_place_where_it_was_read() -> None:
    assert set(TABLE.header) == {*COLUMNS, "read_in"}
    assert len({(row["benchmark"], row["model"]) for row in ROWS}) == len(ROWS) > 10
    for row in ROWS:
        assert 20 < float(row["score"]) < 95
        assert date(2020, 1, 1) <= date.fromisoformat(row["date"]) <= date(2026, 12, 31)
        assert re.search(r"arXiv:\d{4}\.\d{5}|\b20\d\d\b", row["source"]), row
        assert len(row["read_in"]) > 10, row


def test_stated_computes_are_six_times_parameters_times_tokens() -> None:
    checked = 0
    for row in ROWS:
        stated = re.search(r"compute 6 x ([\d.]+e\d+) x ([\d.]+e\d+) tokens", row["source"])
        if stated:
            product = 6.0 * float(stated[1]) * float(stated[2])
            # printed to three digits
            assert float(row["training_flops"]) == pytest.approx(product, rel=5e-3), row["model"]
            checked += 1
    assert checked == sum(bool(row["training_flops"]) for row in ROWS) - 1  # GPT-3's is its paper's own


def test_months_and_compute_are_the_uplift_over_the_slope_of_the_table(tmp_path: Path) -> None:
    # log-odds rise by 1 a year and by 0.5 per tenfold compute, without noise
    lines = [",".join(COLUMNS)]
    for k in range(6):
        score = 100.0 / (1.0 + np.exp(-(k - 2.5)))
        lines.append(f"b,{2020 + k}-01-01,m{k},{score:.6f},1e{20 + 2 * k},s")
    table = tmp_path / "scores.csv"
    table.write_text("\n".join(lines))
    start = 0.5
    end = 1.0 / (1.0 + np.exp(-0.5))
    mixture = MixedForecast(np.full((4, 50), 100.0 * (end - start)))
    months, compute = equivalents(mixture, np.full(4, start), read_progress(table))
    assert months["value"] == pytest.approx(6.0, rel=0.01)  # leap years
    assert compute["value"] == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("b,2020-13-01,m,50,,s", "a date YYYY-MM-DD"),
        ("b,2020-01-01,m,many,,s", "a number"),
        ("b,2020-01-01,m,100,,s", "between 0 and 100"),
    ],
)
def test_a_wrong_cell_is_told_with_its_line(tmp_path: Path, line: str, wanted: str) -> None:
    table = tmp_path / "scores.csv"
    table.write_text(",".join(COLUMNS) + "\n" + line)
    with pytest.raises(InputError, match=wanted) as error:
        read_progress(table)
    assert "2" in str(error.value)
