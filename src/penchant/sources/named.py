"""The named sets: where they come from, how they are checked, what may be done with them."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Wheel:
    """A wheel on the Python package index that carries a copy of a set.

    Attributes:
        project: its name on the index.
        version: the one version that is used.
        sha256: of the whole wheel.
        ratings: the member with the ratings: one header line, then the archive's own lines.
        members: the members with users and items, by the name that each is kept under.
    """

    project: str
    version: str
    sha256: str
    ratings: str
    members: dict[str, str]


@dataclasses.dataclass(frozen=True)
class NamedSet:
    """A set of ratings that is fetched by its name.

    Attributes:
        name: what `penchant.load` calls it.
        url: the archive, as its publishers offer it.
        md5: of the archive, as its publishers state it.
        ratings_sha256: of the file of ratings, on whichever road it came.
        members: the members of the archive, by the name that each is kept under; u.data first.
        max_bytes: no archive, wheel or member of one may be larger.
        scale: the rating scale.
        wheel: the second road, for places that reach only a package index.
        terms: what to know before use, shown with each download.
    """

    name: str
    url: str
    md5: str
    ratings_sha256: str
    members: dict[str, str]
    max_bytes: int
    scale: tuple[float, float]
    wheel: Wheel
    terms: str


ML_100K = NamedSet(
    name="ml-100k",
    url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
    md5="0e33842e24a9c977be4e0107933c0723",
    ratings_sha256="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    members={name: f"ml-100k/{name}" for name in ("u.data", "u.user", "u.item")},
    max_bytes=16_000_000,
    scale=(1, 5),
    wheel=Wheel(
        project="recbole",
        version="1.2.1",
        sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
        ratings="recbole/dataset_example/ml-100k/ml-100k.inter",
        members={
            f"ml-100k.{what}": f"recbole/dataset_example/ml-100k/ml-100k.{what}"
            for what in ("user", "item")
        },
    ),
    terms=(
        "MovieLens 100K belongs to GroupLens Research at the University of Minnesota. It is free "
        "for research, without warranty; it may not be passed on, nor used commercially, without "
        "their permission; publications must cite it and may not imply their endorsement. The "
        "terms: https://files.grouplens.org/datasets/movielens/ml-100k-README.txt\n"
        "Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and "
        "Context. ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
        "https://doi.org/10.1145/2827872"
    ),
)

NAMED_SETS = {ML_100K.name: ML_100K}
