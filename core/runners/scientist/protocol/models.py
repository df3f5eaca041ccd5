"""The closed list of models, each as a pipeline that is fitted inside the folds and nowhere else."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import RunFailed
from core.runners.scientist.protocol.folds import Split
from core.runners.scientist.protocol.metrics import Array
from core.runners.scientist.protocol.schema import ModelPlan

ITERATIONS = 5000
SETTINGS = {
    "strength": {"logistic_regression": "C", "ridge": "alpha", "lasso": "alpha"},
    "trees": {"random_forest": "n_estimators", "gradient_boosting": "n_estimators"},
    "depth": {"random_forest": "max_depth", "gradient_boosting": "max_depth"},
    "smallest_leaf": {"random_forest": "min_samples_leaf", "gradient_boosting": "min_samples_leaf"},
    "learning_rate": {"gradient_boosting": "learning_rate"},
}
"""The protocol's words and scikit-learn's, by kind of model."""
GRADIENT = frozenset({"logistic_regression", "gradient_boosting"})
"""Kinds that are fitted by following a gradient."""


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, the settings that the inner folds chose, and what happened on the way."""

    pipeline: Any
    chosen: dict[str, float]
    unconverged: int
    """Fits that ended before they converged, inner ones included."""
    scaled_rows: int
    """How many rows the pipeline's scaler has seen."""

    def predict(self, x: Array, binary: bool) -> Array:
        """Risks in [0, 1], or predicted values; shape (n,)."""
        values = self.pipeline.predict_proba(x)[:, 1] if binary else self.pipeline.predict(x)
        return np.asarray(values, dtype=np.float64)


def fit(plan: ModelPlan, x: Array, y: Array, inner: Sequence[Split], binary: bool, seed: int) -> Fitted:
    """Choose the settings by the inner folds (log loss or squared error), then fit on all rows given.

    `x` is (n, k) with NaN for missing, `y` is (n,). `RunFailed` when the model cannot be fitted.
    """
    from sklearn.model_selection import GridSearchCV

    pipeline, grid = build(plan, binary, seed), settings(plan)
    scoring = "neg_log_loss" if binary else "neg_mean_squared_error"
    single = all(len(values) == 1 for values in grid.values())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if single:
                chosen: dict[str, Any] = {name: values[0] for name, values in grid.items()}
                pipeline.set_params(**chosen).fit(x, y)
            else:
                search = GridSearchCV(pipeline, grid, scoring=scoring, cv=list(inner), error_score="raise")
                search.fit(x, y)
                pipeline, chosen = search.best_estimator_, search.best_params_
        except ValueError as error:
            raise RunFailed(f"the model '{plan.name}' cannot be fitted ({error})", "look at its predictors") from error
    unconverged = sum("ConvergenceWarning" in one.category.__name__ for one in caught)
    named = {name.removeprefix("model__"): value for name, value in chosen.items()}
    return Fitted(pipeline, named, unconverged, int(np.max(pipeline.named_steps["scale"].n_samples_seen_)))


def settings(plan: ModelPlan) -> dict[str, list[float]]:
    """The grid in scikit-learn's words, empty settings left out."""
    given = plan.grid.model_dump()
    return {f"model__{names[plan.kind]}": list(given[word]) for word, names in SETTINGS.items() if given[word]}


def build(plan: ModelPlan, binary: bool, seed: int) -> Any:
    """Return an unfitted pipeline: median imputation, scaling, the model."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    steps = [
        ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("scale", StandardScaler()),
        ("model", _estimator(plan.kind, binary, seed)),
    ]
    return Pipeline(steps)


def _estimator(kind: str, binary: bool, seed: int) -> Any:
    from sklearn import ensemble, linear_model

    if kind == "logistic_regression":
        return linear_model.LogisticRegression(max_iter=ITERATIONS)
    if kind == "ridge":
        return linear_model.Ridge()
    if kind == "lasso":
        return linear_model.Lasso(max_iter=ITERATIONS)
    if kind == "random_forest":
        forest = ensemble.RandomForestClassifier if binary else ensemble.RandomForestRegressor
        return forest(random_state=seed, n_jobs=1)
    boosting = ensemble.GradientBoostingClassifier if binary else ensemble.GradientBoostingRegressor
    return boosting(random_state=seed)


def coefficients(fitted: Fitted) -> tuple[float, list[float]] | None:
    """Intercept and coefficients of a linear model in the predictors' own units; None for a model of trees."""
    model, scale = fitted.pipeline.named_steps["model"], fitted.pipeline.named_steps["scale"]
    if not hasattr(model, "coef_"):
        return None
    slopes = np.ravel(model.coef_) / scale.scale_
    intercept = float(np.ravel(model.intercept_)[0]) - float(slopes @ scale.mean_)
    return intercept, [float(slope) for slope in slopes]


def sound(fitted: Fitted) -> bool:
    """Whether every weight of the fitted model is a finite number."""
    model = fitted.pipeline.named_steps["model"]
    if hasattr(model, "coef_"):
        return bool(np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all())
    trees = np.ravel(np.asarray(model.estimators_, dtype=object))
    return all(bool(np.isfinite(tree.tree_.value).all()) for tree in trees)
