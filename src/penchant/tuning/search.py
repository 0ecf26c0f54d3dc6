"""tune: settings drawn, tried on validation ratings, and judged once more before they are kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from penchant.errors import SettingsError
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender, require_ratings
from penchant.settings import require, require_count, require_number
from penchant.split import folds as cut_folds
from penchant.split import split
from penchant.tuning.result import Finalist, Trial, Tuned
from penchant.tuning.space import Choice, Range, Space, settings_of, space_of
from penchant.tuning.study import open_study
from penchant.tuning.trial import LaggingError, Part, judge, require_parts, timed

if TYPE_CHECKING:
    import optuna

FINALISTS = 3
"""So many of the best settings are judged once more, beside those there were."""

REPEATS = 5
"""Validation parts that the finalists are judged on, none of them seen before."""

PathLike = str | os.PathLike[str]


def tune(
    model: Recommender,
    ratings: Ratings,
    *,
    trials: int = 30,
    validation: float = 0.1,
    folds: int | None = None,
    space: Space | None = None,
    storage: PathLike | None = None,
    jobs: int = 1,
    seconds: float | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Tuned:
    """Choose the settings of a recommender on validation ratings cut off from `ratings`.

    Optuna draws settings (tree-structured Parzen estimators: Bergstra et al. 2011), the present
    ones first. A try whose RMSE lags behind the median of the others at the same part of their
    rounds is given up. In the end the best few and the present settings are judged on five further
    validation parts; others than the present ones are chosen only if they are better by more than a
    standard error of the paired differences. Test ratings have no part in it.

    Args:
        model: a recommender with its present settings; it stays as it is.
        ratings: the training ratings.
        trials: how many settings to try; of a storage that has some, only those missing.
        validation: the share of the ratings that judges.
        folds: judge by so many folds, and not by one share: slower and steadier.
        space: what to try, `Range` or `Choice` by name of a setting; None for the solver's usual.
        storage: a file that keeps all tries, so that a stopped search goes on, and several
            processes or machines can share one.
        jobs: how many tries run at once, one thread each. With more than one the order in which
            they end decides what is drawn next, so the same seed needn't give the same settings.
        seconds: no new try is begun after so many.
        seed: of all that is random.
        progress: whether to show a bar on standard error.

    Returns:
        The chosen settings and how they came about; see `Tuned`.

    Raises:
        SettingsError: an argument makes no sense, or the storage is of other data or settings.
        MissingExtraError: Optuna isn't installed.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> model = pc.MatrixFactorization(factors=4, solver=pc.SGD(epochs=5))
    >>> found = pc.tune(model, ratings, trials=3, progress=False)
    >>> len(found.trials), found.model.factors in (4, 16, 32, 64, 128, 200)
    (3, True)
    """
    _require_arguments(trials, jobs, seed, seconds, validation, folds)
    require_ratings("ratings", ratings, least=10)
    wanted = space_of(model, space)
    parts = _parts(ratings, validation, folds, seed)
    study = open_study(model, ratings, wanted, storage, seed, (validation, folds))
    _Search(study, model, wanted, parts, seed, 1 if jobs > 1 else None).run(
        trials, jobs, seconds, progress=progress
    )
    found = _trials(study)
    finalists = _finalists(model, found, wanted)
    share = 1 / folds if folds else validation
    judged = _judged(model, ratings, finalists, share, seed)
    protocol = f"{folds} folds" if folds else f"random validation share of {validation:g}"
    return Tuned.of(model, found, judged, _importance(study), f"{protocol}, seed={seed}")


def _require_arguments(
    trials: int, jobs: int, seed: int, seconds: Any, validation: float, folds: Any
) -> None:
    for name, value, least in (("trials", trials, 1), ("jobs", jobs, 1), ("seed", seed, 0)):
        require_count(name, value, least)
    require_number("validation", validation, 0, 1, open_low=True)
    require(validation < 1, f"validation must leave ratings to train on, not {validation!r}.")
    if folds is not None:
        require_count("folds", folds, 2)
    if seconds is not None:
        require_number("seconds", seconds, 0, open_low=True)


def _parts(ratings: Ratings, validation: float, folds: int | None, seed: int) -> list[Part]:
    if folds is None:
        parts = [Part(*split(ratings, test=validation, seed=seed))]
    else:
        parts = [Part(*pair) for pair in cut_folds(ratings, k=folds, seed=seed)]
    require_parts(parts)
    return parts


class _Search:
    """The tries of a search."""

    def __init__(
        self,
        study: optuna.Study,
        model: Recommender,
        space: Space,
        parts: list[Part],
        seed: int,
        threads: int | None,
    ) -> None:
        self._study, self._model, self._space = study, model, space
        self._parts, self._seed, self._threads = parts, seed, threads

    def run(self, trials: int, jobs: int, seconds: float | None, *, progress: bool) -> None:
        """Try as many settings as are missing."""
        from penchant.console import progress as bar

        done = sum(trial.state.is_finished() for trial in self._study.trials)
        if (left := trials - done) <= 0:
            return
        if not progress:
            self._study.optimize(self._try, n_trials=left, n_jobs=jobs, timeout=seconds)
            return
        with bar("Tuning", trials) as advance:
            advance(done)
            self._study.optimize(
                self._try,
                n_trials=left,
                n_jobs=jobs,
                timeout=seconds,
                callbacks=[lambda study, trial: advance(1)],
            )

    def _try(self, trial: optuna.Trial) -> float:
        import optuna

        chosen = {name: _drawn(trial, name, part) for name, part in self._space.items()}

        def report(so_far: float, step: int) -> bool:
            trial.report(so_far, step)
            return bool(trial.should_prune())

        def work() -> list[float]:
            return judge(
                self._model, chosen, self._parts, self._seed, threads=self._threads, report=report
            )

        try:
            scores, seconds = timed(work)
        except LaggingError:
            raise optuna.TrialPruned from None
        except SettingsError as error:  # settings that don't go together, such as a long burn-in
            trial.set_user_attr("refused", str(error))
            raise optuna.TrialPruned from None
        trial.set_user_attr("seconds", seconds)
        return float(np.mean(scores))


def _drawn(trial: optuna.Trial, name: str, part: Range | Choice) -> Any:
    if isinstance(part, Choice):
        return trial.suggest_categorical(name, part.values)
    if part.whole:
        return trial.suggest_int(name, int(part.low), int(part.high), log=part.log)
    return trial.suggest_float(name, part.low, part.high, log=part.log)


def _trials(study: optuna.Study) -> list[Trial]:
    """Return all tries that ended, those given up without a value."""
    from optuna.trial import TrialState

    def value(trial: Any) -> float | None:  # one given up has the last RMSE that it reported
        return trial.value if trial.state == TrialState.COMPLETE else None

    done = [trial for trial in study.trials if trial.state.is_finished()]
    return [Trial(t.number, value(t), dict(t.params), t.user_attrs.get("seconds")) for t in done]


def _finalists(model: Recommender, trials: list[Trial], space: Space) -> list[dict[str, Any]]:
    """Return the present settings, and the best of the others."""
    present = {name: settings_of(model)[name] for name in space}
    ended = sorted((t for t in trials if t.rmse is not None), key=lambda t: t.rmse or 0.0)
    others = [dict(t.settings) for t in ended if t.settings != present]
    return [present, *others[:FINALISTS]]


def _judged(
    model: Recommender, ratings: Ratings, finalists: list[dict[str, Any]], share: float, seed: int
) -> list[Finalist]:
    parts = [Part(*split(ratings, test=share, seed=seed + 1 + n)) for n in range(REPEATS)]
    require_parts(parts)

    def finalist(chosen: dict[str, Any]) -> Finalist:
        return Finalist(chosen, *timed(lambda: judge(model, chosen, parts, seed, threads=None)))

    return [finalist(chosen) for chosen in finalists]


def _importance(study: optuna.Study) -> dict[str, float]:
    """Return how much of the differences each setting makes (PED-ANOVA: Watanabe et al. 2023)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    ended = [one.rmse for one in _trials(study) if one.rmse is not None]
    if len(ended) < 5 or len(set(ended)) < 2 or not np.isfinite(ended).all():
        return {}
    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {name: float(share) for name, share in found.items()}
