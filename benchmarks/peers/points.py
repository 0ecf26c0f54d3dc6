"""The points of the frontier: who, with which settings."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Point:
    """One solver with one setting.

    Attributes:
        family: what is drawn as one line.
        what: what distinguishes it within the family.
        solver: the function of `fits`, or "penchant".
        settings: its arguments.
        timestamps: whether it reads them.
        slow: whether one timed fit is enough.
    """

    family: str
    what: str
    solver: str
    settings: dict[str, Any]
    timestamps: bool = False
    slow: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is one of our solvers."""
        return self.solver == "penchant"

    @property
    def compiles(self) -> bool:
        """Whether a first fit in a process takes longer than the next."""
        return self.solver in ("penchant", "keras")

    @property
    def label(self) -> str:
        """The name in the table."""
        return f"{self.family} {self.what}".strip()


def _ours(solver: str, what: str, factors: int = 200, **settings: Any) -> Point:
    chosen = {"solver": solver, "factors": factors, **settings}
    return Point(f"Penchant {solver}", what, "penchant", chosen, "contexts" in settings)


def _libmf(what: str, **settings: Any) -> Point:
    l2, plain = settings.pop("l2"), {"center": False, "nr_bins": 20}
    plain |= {"lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": l2, "lambda_q2": l2}
    return Point("LIBMF", what, "libmf", plain | settings)


def _cmfrec(what: str, **settings: Any) -> Point:
    return Point("cmfrec", what, "cmfrec", settings)


def _myfm(what: str, **settings: Any) -> Point:
    return Point("myFM", what, "myfm", settings, "days" in settings, slow=True)


QUICK_SGD = {"epochs": 15, "learning_rate": 0.06, "start": 0.1}
NO_SIDE = {"side_information": False, "bags": False}

POINTS = [
    _ours("SGD", "K=16, 15 epochs", 16, **QUICK_SGD),
    _ours("SGD", "K=64, 20 epochs", 64, epochs=20, learning_rate=0.05, start=0.1),
    _ours("SGD", "K=200"),
    _ours("ALS", "rank 8, 3 sweeps, no side information", 8, rank=8, sweeps=3, **NO_SIDE),
    _ours("ALS", "rank 16, 5 sweeps, bags alone", 16, rank=16, sweeps=5, side_information=False),
    _ours("ALS", "rank 16, 8 sweeps", 16, rank=16, sweeps=8),
    _ours("ALS", "K=200"),
    _ours("Gibbs", "rank 8, 40 sweeps", rank=8, sweeps=40, burn_in=10, heads=20),
    _ours("Gibbs", "rank 16, 80 sweeps", rank=16, sweeps=80, burn_in=20, heads=30),
    _ours("Gibbs", "K=16", 16),
    _ours("Gibbs", "K=200"),
    _ours("Gibbs", "K=200, user × day", contexts=["day"]),
    dataclasses.replace(_ours("Keras", "K=200"), slow=True),
    _libmf("k=16, 20 iterations", k=16, nr_iters=20, eta=0.1, l2=0.09),
    _libmf("k=48, 20 iterations", k=48, nr_iters=20, eta=0.06, l2=0.09),
    _libmf("k=100, 20 iterations", k=100, nr_iters=20, eta=0.06, l2=0.09),
    _libmf("k=100, 50 iterations", k=100, nr_iters=50, eta=0.03, l2=0.09),
    _cmfrec("k=20, 3 iterations", k=20, scale_lam=True, lambda_=0.074, niter=3),
    _cmfrec(
        "k=10, implicit, 3 iterations",
        k=10, lambda_=4.0, niter=3, add_implicit_features=True, w_implicit=0.9,
    ),
    _cmfrec("k=80, 6 iterations", k=80, scale_lam=True, lambda_=0.13, niter=6),
    _cmfrec(
        "k=80, implicit, side tables, 6 iterations",
        k=80, scale_lam=True, lambda_=0.079, niter=6, add_implicit_features=True,
        w_implicit=2.8, side=True, w_user=2.6, w_item=1.2,
    ),
    _cmfrec(
        "k=80, implicit, side tables, 10 iterations",
        k=80, scale_lam=True, lambda_=0.095, niter=10, add_implicit_features=True,
        w_implicit=1.8, side=True, w_user=0.15, w_item=1.2,
    ),
    _myfm("rank 8, 50 iterations", rank=8, iterations=50),
    _myfm("rank 8, bags, 50 iterations", rank=8, iterations=50, bags=True),
    _myfm("rank 8, bags, side tables, 100 its", rank=8, iterations=100, bags=True, side=True),
    _myfm(
        "rank 10, bags, side tables, probit, 250 iterations",
        rank=10, iterations=250, bags=True, side=True, probit=True,
    ),
    _myfm(
        "rank 10, bags, side tables, day, 100 iterations",
        rank=10, iterations=100, bags=True, side=True, days=True,
    ),
    _myfm(
        "rank 10, bags, side tables, day, probit, 250 iterations",
        rank=10, iterations=250, bags=True, side=True, days=True, probit=True,
    ),
    Point(
        "Cornac MF", "k=50, 20 epochs", "cornac",
        {"k": 50, "max_iter": 20, "learning_rate": 0.018, "lambda_reg": 0.071},
    ),
    Point(
        "Cornac MF", "k=100, 80 epochs", "cornac",
        {"k": 100, "max_iter": 80, "learning_rate": 0.007, "lambda_reg": 0.092},
    ),
    Point("Surprise", "SVD, default", "surprise", {"algorithm": "SVD"}),
    Point(
        "Surprise", "SVD, 100 factors", "surprise",
        {"algorithm": "SVD", "n_factors": 100, "n_epochs": 40, "lr_all": 0.013, "reg_all": 0.13},
    ),
    Point("Surprise", "KNNBaseline", "surprise", {"algorithm": "KNNBaseline", "k": 40}),
    Point(
        "Keras on JAX", "Adamax, K=200", "keras",
        {"factors": 200, "l2": 1e-4, "l2_bias": 1e-5, "learning_rate": 0.01, "batch_size": 512,
         "epochs": 30},
        slow=True,
    ),
]  # fmt: skip
