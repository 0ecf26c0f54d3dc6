"""The named sets: where they come from, how they are checked, what may be done with them."""

from __future__ import annotations

import dataclasses

_HOST = "https://files.grouplens.org/datasets/movielens"
_CITATION = (
    "Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and "
    "Context. ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
    "https://doi.org/10.1145/2827872"
)


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
        md5: of the archive, as its publishers state it; None where it changes with time.
        ratings_sha256: of the file of ratings, on whichever road it came, where it is known.
        members: the members of the archive, by the name that each is kept under; the ratings
            first.
        max_bytes: no archive, wheel or member of one may be larger.
        scale: the rating scale.
        terms: what to know before use, shown with each download.
        wheel: the second road, for places that reach only a package index, where there is one.
        separator: what stands between two fields of the ratings.
        header: whether the ratings have a line of names.
        megabytes: the size of the archive, about.
        counts: how many ratings, users and items `penchant.load` finds in it.
    """

    name: str
    url: str
    md5: str | None
    ratings_sha256: str | None
    members: dict[str, str]
    max_bytes: int
    scale: tuple[float, float]
    terms: str
    wheel: Wheel | None = None
    separator: str = "\t"
    header: bool = False
    megabytes: float | None = None
    counts: tuple[int, int, int] | None = None

    @property
    def ratings(self) -> str:
        """The name that the file of ratings is kept under."""
        return next(iter(self.members))


def _terms(title: str, readme: str, *, to_others: bool) -> str:
    limits = (
        "it may be passed on under the same terms alone, and not be used commercially without "
        "their permission"
        if to_others
        else "it may not be passed on, nor used commercially, without their permission"
    )
    return (
        f"{title} belongs to GroupLens Research at the University of Minnesota. It is free for "
        f"research, without warranty; {limits}; publications must cite it and may not imply their "
        f"endorsement. The terms: {_HOST}/{readme}\n{_CITATION}"
    )


def _members(folder: str, *names: str) -> dict[str, str]:
    return {name: f"{folder}/{name}" for name in names}


ML_100K = NamedSet(
    name="ml-100k",
    url=f"{_HOST}/ml-100k.zip",
    md5="0e33842e24a9c977be4e0107933c0723",
    ratings_sha256="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    members=_members("ml-100k", "u.data", "u.user", "u.item"),
    max_bytes=16_000_000,
    scale=(1, 5),
    terms=_terms("MovieLens 100K", "ml-100k-README.txt", to_others=False),
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
    megabytes=4.9,
    counts=(100_000, 943, 1_682),
)

ML_1M = NamedSet(
    name="ml-1m",
    url=f"{_HOST}/ml-1m.zip",
    md5="c4d9eecfca2ab87c1945afe126590906",
    ratings_sha256=None,
    members=_members("ml-1m", "ratings.dat", "users.dat", "movies.dat"),
    max_bytes=100_000_000,
    scale=(1, 5),
    terms=_terms("MovieLens 1M", "ml-1m-README.txt", to_others=False),
    separator="::",
    megabytes=5.9,
    counts=(1_000_209, 6_040, 3_883),
)

ML_10M = NamedSet(
    name="ml-10m",
    url=f"{_HOST}/ml-10m.zip",
    md5="ce571fd55effeba0271552578f2648bd",
    ratings_sha256=None,
    members=_members("ml-10M100K", "ratings.dat", "movies.dat", "tags.dat"),
    max_bytes=1_000_000_000,
    scale=(0.5, 5),
    terms=_terms("MovieLens 10M", "ml-10m-README.html", to_others=False),
    separator="::",
    megabytes=65.6,
    counts=(10_000_054, 69_878, 10_681),
)


def _with_headers(
    name: str, title: str, md5: str | None, megabytes: float, counts: tuple[int, int, int]
) -> NamedSet:
    return NamedSet(
        name=name,
        url=f"{_HOST}/{name}.zip",
        md5=md5,
        ratings_sha256=None,
        members=_members(name, "ratings.csv", "movies.csv", "tags.csv"),
        max_bytes=2_000_000_000 if md5 else 100_000_000,
        scale=(0.5, 5),
        terms=_terms(title, f"{name}-README.html", to_others=True),
        separator=",",
        header=True,
        megabytes=megabytes,
        counts=counts,
    )


ML_20M = _with_headers(
    "ml-20m",
    "MovieLens 20M",
    "cd245b17a1ae2cc31bb14903e1204af3",
    198.7,
    (20_000_263, 138_493, 27_278),
)
ML_25M = _with_headers(
    "ml-25m",
    "MovieLens 25M",
    "6b51fb2759a8657d3bfcbfc42b592ada",
    262.0,
    (25_000_095, 162_541, 62_423),
)
ML_32M = _with_headers(
    "ml-32m",
    "MovieLens 32M",
    "d472be332d4daa821edc399621853b57",
    239.0,
    (32_000_204, 200_948, 87_585),
)
ML_LATEST_SMALL = _with_headers(
    "ml-latest-small", "MovieLens latest (small)", None, 1.0, (100_836, 610, 9_742)
)

NAMED_SETS = {
    named.name: named for named in (ML_100K, ML_LATEST_SMALL, ML_1M, ML_10M, ML_20M, ML_25M, ML_32M)
}
