"""Mixtures to predict: their shares are matched with those fitted by name, and other domains are a mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import gauger
from gauger.errors import InputError, UserError
from gauger.estimate.scaling.fit import FitRequest, fit_points
from gauger.stats.laws import Points, Search

NAMES = ("share_code", "share_web", "share_books")
SLOPES = np.array([-1.5, 1.0, 0.5])


def mixtures() -> pl.DataFrame:
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 14)
    columns = dict(zip(NAMES, shares.T, strict=True))
    return pl.DataFrame({"n_params": np.full(14, 1e8), "n_tokens": np.full(14, 1e10), **columns, "loss": loss(shares)})


def loss(shares: np.ndarray) -> np.ndarray:
    return 2.0 + np.exp(shares @ SLOPES)


def asked(**shares: float) -> pl.DataFrame:
    return pl.DataFrame({"n_params": [1e8], "n_tokens": [1e10], **{name: [share] for name, share in shares.items()}})


def predicted(predict: pl.DataFrame | Path) -> dict[str, float]:
    return gauger.fit(mixtures(), predict=predict, bootstrap=100, starts=20).to_dict()["predictions"][0]


def test_shares_are_matched_by_name_in_any_order_of_the_columns() -> None:
    wanted = loss(np.array([0.6, 0.2, 0.2]))
    for order in (NAMES, NAMES[::-1], ("share_web", "share_code", "share_books")):
        row = predicted(asked(**{name: 0.6 if name == "share_code" else 0.2 for name in order}))
        assert row["value"] == pytest.approx(wanted, rel=0.005)
        assert row["share_code"] == 0.6
    # The adversary: shares taken in the order of their columns.
    assert loss(np.array([0.2, 0.6, 0.2])) > 1.1 * wanted


@pytest.mark.parametrize(
    ("shares", "given"),
    [
        ({"share_web": 0.2, "share_code": 0.8}, "share_web, share_code"),
        (dict.fromkeys(("share_web", "share_code", "share_books", "share_math"), 0.25), "share_math"),
        ({"share_web": 0.2, "share_code": 0.6, "share_book": 0.2}, "share_book"),
    ],
)
def test_other_domains_are_a_mistake_with_its_place(tmp_path: Path, shares: dict[str, float], given: str) -> None:
    path = tmp_path / "predict.csv"
    asked(**shares).write_csv(path)
    with pytest.raises(InputError, match=r"predict.csv:1: expected the shares that were fitted \(share_code") as raised:
        predicted(path)
    assert given in str(raised.value)


def test_a_mixture_without_shares_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"3 shares of domains \(share_code, share_web, share_books\).*got none"):
        predicted(asked())
    points = Points(np.full(14, 1e8), np.full(14, 1e10), loss=np.linspace(2, 3, 14), shares=np.full((14, 2), 0.5))
    few = Points(np.ones(1), np.ones(1), shares=np.ones((1, 1)))
    with pytest.raises(UserError, match=r"2 shares of domains in what is to be predicted.*got 1"):
        fit_points(points, FitRequest("mixture-2", 100, search=Search(10)), few)


def test_shares_of_what_was_fitted_without_any_are_a_mistake() -> None:
    with pytest.raises(InputError, match="expected no shares, as none were fitted, got share_code"):
        gauger.fit(mixtures().drop(NAMES), law="power", predict=asked(share_code=1.0), bootstrap=100, starts=5)
