"""Pools the effects of any table: a random-effects meta-analysis or meta-regression (`gauger.meta`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gauger.api import meta_category
from gauger.api.meta_warnings import warnings_of
from gauger.api.result import Result
from gauger.api.table_input import TableLike, read_rows

if TYPE_CHECKING:
    from gauger.api.table_input import CompleteRows
    from gauger.stats import CategoryFit, MetaData, MetaFit


@dataclass(frozen=True)
class MetaOptions:
    """What was asked, in column names and options."""

    effect: str
    variance: str
    within: tuple[str, ...]
    moderators: tuple[str, ...]
    shared_control: str | None
    shared_variance: str | None
    robust: str | None
    method: str
    test: str
    df: str
    level: float
    small_study: bool
    vary_by: str | None = None
    structure: str = "auto"

    @property
    def columns(self) -> list[str]:
        """Every column that a row needs a value in."""
        optional = [self.shared_variance, self.robust, self.vary_by]
        return [self.effect, self.variance, *self.within, *self.moderators, *(column for column in optional if column)]


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
        Rows with one label in the first column share one control, whose score has the sampling variance in the second.
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
    _check(request)
    rows = read_rows(table, request.columns, [shared_control] if shared_control else [])
    return MetaAnalysis(analyse(rows, request))


def _columns(given: Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check(request: MetaOptions) -> None:
    from gauger.errors import UserError

    if not 0.5 <= request.level < 1.0:
        raise UserError("a coverage from 0.5 to below 1", f"{request.level:g}", hint="For example --level 0.95.")
    if (request.shared_control is None) != (request.shared_variance is None):
        raise UserError("--shared-control and --shared-variance together", "one of them")
    meta_category.check(request)


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


def meta_data(rows: CompleteRows, request: MetaOptions) -> MetaData:
    """Turn cells into effects, variances, levels and moderators; a mistake is named by its line."""
    import numpy as np

    from gauger.errors import InputError, Place
    from gauger.stats import LARGEST, NO_GROUP, MetaData, design_matrix

    variance = rows.numbers(request.variance)
    for row, value in enumerate(variance):
        if value <= 0.0:
            raise InputError("a variance above 0", f"{value:g}", rows.place(row, request.variance))
    n = len(variance)
    if n < 2:
        raise InputError("at least two rows with every asked value", str(n), Place(str(rows.path)))
    levels = [np.array(rows.columns[column]) for column in request.within]
    names = list(request.within)
    if not levels or len(set(zip(*(level.tolist() for level in levels), strict=True))) < n:
        levels, names = [*levels, np.arange(n)], [*names, "row"]
    design, columns = None, tuple[str, ...]()
    if request.moderators:
        for name in request.moderators:
            if len(set(rows.columns[name])) < 2:
                raise InputError("a moderator that varies", "one value in all rows", Place(str(rows.path), key=name))
        given = {
            name: rows.numbers(name) if rows.is_numeric(name) else rows.columns[name] for name in request.moderators
        }
        design, columns = design_matrix(given, n)
    group, shared = None, None
    if request.shared_control and request.shared_variance:
        labels = np.array(rows.columns[request.shared_control])
        group = np.where(labels == "", NO_GROUP, np.unique(labels, return_inverse=True)[1])
        shared = np.array(rows.numbers(request.shared_variance))
    effect = np.array(rows.numbers(request.effect))
    for column, values in ((request.effect, effect), (request.variance, np.array(variance))):
        huge = np.flatnonzero(np.abs(values) > LARGEST)
        if len(huge):
            hint = "Squares of such numbers cannot be computed: change the unit."
            raise InputError(f"numbers up to {LARGEST:g}", f"{values[huge[0]]:g}", rows.place(huge[0], column), hint)
    if design is not None:
        _check_levels(levels, names, design, request)
    return MetaData(effect, np.array(variance), tuple(levels), design, tuple(names), columns, group, shared)


def _check_levels(levels: list[Any], names: list[str], design: Any, request: MetaOptions) -> None:
    """Refuse a level whose groups the moderators determine: nothing is left there to vary."""
    import numpy as np

    from gauger.errors import UserError

    q = np.linalg.qr(design)[0]
    outer = np.zeros(len(design), dtype=np.intp)
    for labels, name in zip(levels, names, strict=True):
        inner = np.unique(labels, return_inverse=True)[1].ravel()
        outer = np.unique(outer * (inner.max() + 1) + inner, return_inverse=True)[1].ravel()
        groups = (outer[:, None] == np.arange(outer.max() + 1)).astype(float)
        if np.abs(groups - q @ (q.T @ groups)).max() < 1e-9:
            what = " and ".join(request.moderators)
            leaves = "moderator {} leaves" if len(request.moderators) == 1 else "moderators {} leave"
            raise UserError(
                f"a level {name!r} whose groups the moderators do not determine",
                what,
                hint=f"The {leaves.format(what)} no groups at level {name} to compare: drop one.",
            )


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
