"""Fits and prints `gauger.meta` by category: random effects that differ by category and correlate within groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gauger.api.meta_options import MetaOptions
    from gauger.api.table_input import CompleteRows
    from gauger.stats import CategoryFit, MetaData


def fit_by_category(rows: CompleteRows, request: MetaOptions, data: MetaData) -> tuple[CategoryFit, dict[str, float]]:
    """Fit the asked structure, or the one that the rule chooses; also the AIC of every candidate."""
    from gauger.stats import choose, fit_categories

    category = rows.columns[str(request.vary_by)]
    groups, own, aic = request.structure, "diag", {}
    if request.structure == "auto":
        (groups, own), aic_by_structure = choose(data, category)
        aic = {
            f"{group_structure}, rows {other}": value for (group_structure, other), value in aic_by_structure.items()
        }
    elif request.structure == "one":
        own = "one"
    fitted = fit_categories(
        data, category, groups=groups, rows=own, method=request.method, robust=request.robust is not None,
        level=request.level,
    )  # fmt: skip
    return fitted, aic


def components(fitted: CategoryFit) -> list[dict[str, Any]]:
    """Return the variances of groups and of rows per category; they have no profile intervals."""
    import numpy as np

    between, own = np.diag(np.asarray(fitted.groups)), np.asarray(fitted.omega)
    outer = fitted.data.level_names[0]
    parts = [(f"{outer}: {name}", tau2) for name, tau2 in zip(fitted.names, between, strict=True)]
    parts += [(f"row: {name}", tau2) for name, tau2 in zip(fitted.names, own, strict=True)]
    return [{"level": name, "tau2": float(tau2), "low": None, "high": None, "i2": None} for name, tau2 in parts]


def predictions(fitted: CategoryFit) -> list[dict[str, Any]]:
    """Return where a new true effect of each category would fall, where the design gives each category one mean."""
    import numpy as np

    rows = []
    category = np.asarray(fitted.category)
    for code, name in enumerate(fitted.names):
        values = np.unique(fitted.data.design[category == code], axis=0)
        if len(values) == 1 and fitted.contrast(values[0]).reason is None:
            prediction = fitted.prediction(values[0])
            rows.append({
                "category": name, "estimate": prediction.estimate, "low": prediction.low, "high": prediction.high,
                "prediction_low": prediction.prediction_low, "prediction_high": prediction.prediction_high,
            })  # fmt: skip
    return rows
