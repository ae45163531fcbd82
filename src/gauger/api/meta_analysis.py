"""Pools the effects of any table: a random-effects meta-analysis or meta-regression (`gauger.meta`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gauger.api import meta_category
from gauger.api.meta_data import meta_data
from gauger.api.meta_options import MetaOptions, check_options
from gauger.api.meta_warnings import warnings_of
from gauger.api.result import Result
from gauger.api.table_input import TableLike, read_rows

if TYPE_CHECKING:
    from gauger.api.table_input import CompleteRows
    from gauger.stats import CategoryFit, MetaData, MetaFit


class MetaAnalysis(Result):
    """A meta-analysis or meta-regression; `estimates` are its coefficients."""

    @property
    def headline(self) -> str:
        """The pooled mean, or how many coefficients there are."""
        study, first = self._document["study"], self._document["estimates"][0]
        rows = f"{study['rows']} rows of {study['name']}"
        if study["moderators"] or first["value"] is None:
            return f"{len(self._document['estimates'])} coefficients from {rows}"
        interval = f"{first['low']:.4g} to {first['high']:.4g}"
        return f"mean effect {first['value']:.4g} ({first['level']:.0%} interval {interval}) over {rows}"


def meta(
    table: TableLike,
    *,
    effect: str,
    variance: str,
    within: Sequence[str] = (),
    moderators: Sequence[str] = (),
    shared_control: str | None = None,
    shared_variance: str | None = None,
    test: str = "z",
    df: str = "residual",
    robust: str | None = None,
    method: str = "REML",
    level: float = 0.95,
    small_study: bool = False,
    vary_by: str | None = None,
    structure: str = "auto",
) -> MetaAnalysis:
    """Pool the effects of a table: mean or regression, variance between studies, prediction interval.

    Parameters
    ----------
    table : DataFrame or path
        One row per effect.
    effect, variance : str
        Columns of effects, and of their sampling variances (squared errors).
    within : sequence of str
        Nested levels, from the outside in; rows are added last.
    moderators : sequence of str
        Columns, numeric or categorical.
    shared_control, shared_variance : str, optional
        Rows with one label in the first column share one control, whose score has the sampling variance in the second;
        both are empty where no control is shared.
    test : {"z", "t", "knapp-hartung"}
        How coefficients are tested.
    df : {"residual", "contain"}
        Degrees of freedom of t and knapp-hartung.
    robust : str, optional
        Cluster-robust CR2 errors by this column's labels.
    method : {"REML", "ML"}
        How variances are estimated.
    level : float
        Coverage of intervals.
    small_study : bool
        Whether an Egger-type test is added.
    vary_by : str, optional
        Random effects by this column's categories, correlated within `within`.
    structure : {"auto", "one", "hcs", "un"}
        Covariance of the effects by category; auto: by AIC.

    Returns
    -------
    MetaAnalysis

    Raises
    ------
    UserError
        Any mistake in what was given, with file, line and column.
    """
    request = MetaOptions(
        effect, variance, _columns(within), _columns(moderators), shared_control, shared_variance, robust,
        method, test, df, level, small_study, vary_by, structure,
    )  # fmt: skip
    check_options(request)
    rows = read_rows(table, request.columns, request.columns_of_shared_controls)
    return MetaAnalysis(analyse(rows, request))


def _columns(given: Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def analyse(rows: CompleteRows, request: MetaOptions) -> dict[str, Any]:
    """Fit the model and return the document that `--json` prints."""
    from gauger.records import ESTIMATES_SCHEMA
    from gauger.stats import fit, joint_test, small_study_test

    data = meta_data(rows, request)
    clusters = rows.columns[request.robust] if request.robust else None
    options: dict[str, Any] = {"method": request.method, "test": request.test, "level": request.level}
    aic: dict[str, float] = {}
    by_category: CategoryFit | None = None
    if request.vary_by is not None:
        by_category, aic = meta_category.fit_by_category(rows, request, data)
        fitted: MetaFit = by_category
    else:
        fitted = fit(data, robust=clusters, df=request.df, **options)  # type: ignore[arg-type]
    egger = small_study_test(data, robust=clusters, **options) if request.small_study else None
    prediction = None
    if by_category is None and data.moderators is None and fitted.coefficients[0].reason is None:
        prediction = asdict(fitted.prediction()) | {"level": request.level}
    return {
        "schema": ESTIMATES_SCHEMA,
        "study": _study(rows, request, data),
        "estimates": _estimates(fitted),
        "variance_components": _components(fitted) if by_category is None else meta_category.components(by_category),
        "by_category": None
        if by_category is None
        else {
            "structure": by_category.structure and by_category.structure.name,
            "categories": list(by_category.names),
            "correlation": by_category.correlation.tolist(),
            "aic": aic,
            "predictions": meta_category.predictions(by_category),
        },
        "heterogeneity": _heterogeneity(fitted, by_category is None),
        "prediction": prediction,
        "joint_test": None if data.moderators is None else asdict(joint_test(fitted)),
        "small_study": None if egger is None else _small_study(egger.slope, egger.at_zero),
        "fit": {
            "log_likelihood": fitted.log_likelihood,
            "steps": fitted.found.steps,
            "components_at_zero": []
            if by_category is not None
            else [name for name, zero in zip(data.level_names, fitted.found.boundary, strict=True) if zero],
        },
        "left_out_lines": rows.left_out,
        "warnings": warnings_of(rows, request, fitted),
    }


def _components(fitted: MetaFit) -> list[dict[str, Any]]:
    from gauger.stats import profile_intervals

    return [
        {"level": interval.name, "tau2": interval.tau2, "low": interval.low, "high": interval.high, "i2": float(i2)}
        for interval, i2 in zip(profile_intervals(fitted), fitted.i2, strict=True)
    ]


def _heterogeneity(fitted: MetaFit, with_shares: bool) -> dict[str, Any]:
    """Cochran's Q; shares of variance only where each level has one variance."""
    import numpy as np

    from gauger.stats import heterogeneity

    spread = heterogeneity(fitted.data, fitted.tau2 if with_shares else np.zeros(1))
    return {"q": spread.q, "df": spread.df, "p": spread.p, "i2": spread.i2_total if with_shares else None}


def _study(rows: CompleteRows, request: MetaOptions, data: MetaData) -> dict[str, Any]:
    return {
        "name": rows.path.name,
        "kind": "meta",
        "rows": len(data),
        "effect": request.effect,
        "variance": request.variance,
        "levels": [
            {"level": name, "groups": int(codes.max()) + 1}
            for name, codes in zip(data.level_names, data.levels, strict=True)
        ],
        "moderators": list(request.moderators),
        "method": request.method,
        "test": request.test,
        "df": request.df,
        "robust": request.robust,
        "level": request.level,
    }


def _estimates(fitted: MetaFit) -> list[dict[str, Any]]:
    from gauger.records import Estimate

    groups = fitted.robust.clusters if fitted.robust else int(fitted.data.levels[0].max()) + 1
    mean = fitted.data.moderators is None
    return [
        Estimate(
            "mean effect" if mean else "coefficient",
            coefficient.name,
            value=None if coefficient.reason else coefficient.estimate,
            se=None if coefficient.reason else coefficient.se,
            df=coefficient.df,
            low=None if coefficient.reason else coefficient.low,
            high=None if coefficient.reason else coefficient.high,
            level=fitted.level,
            n_clusters=groups,
            reason=coefficient.reason,
        ).to_dict()
        | {"name": coefficient.name, "p": None if coefficient.reason else coefficient.p}
        for coefficient in fitted.coefficients
    ]


def _small_study(slope: Any, at_zero: Any) -> dict[str, Any]:
    def plain(name: str, term: Any) -> dict[str, Any]:
        if term.reason is not None:
            return {name: None, **dict.fromkeys(("se", "df", "low", "high", "p")), "reason": term.reason}
        return {name: term.estimate, "se": term.se, "df": term.df, "low": term.low, "high": term.high, "p": term.p,
                "reason": None}  # fmt: skip

    zero = None if at_zero is None else plain("value", at_zero)
    return {"predictor": "se"} | plain("slope", slope) | {"at_zero": zero}
