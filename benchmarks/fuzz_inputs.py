"""Inputs for `fuzz_sources.py`: good files of every kind, and what is done to them.

Each input is a pure function of its kind and its number, so that any one can be made again.
"""

import csv
import dataclasses
import gzip
import io
import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from fuzz_changes import ANYWHERE, IN_TEXT, archive_field, ends, several

Row = tuple[str, str, str, str]


@dataclasses.dataclass(frozen=True)
class Input:
    """One input.

    Attributes:
        name: the name of its file.
        content: the bytes of it.
        rows: the ratings that must be found unchanged, by user and item, or None where nothing
            is known of them.
        touched: so many of `rows` may have changed all the same, for so many lines were touched.
        beside: further files of the folder; a folder is read where there are any.
        items: whether it is a side table of items, beside the ratings in `beside`.
    """

    name: str
    content: bytes
    rows: dict[tuple[str, str], float] | None
    touched: int = 0
    beside: dict[str, bytes] = dataclasses.field(default_factory=dict)
    items: bool = False


def make(kind: str, number: int) -> Input:
    """Return the input of that kind and number."""
    return KINDS[kind](random.Random(f"{kind} {number}"))


def _rows(rng: random.Random, users: Callable[[int], str], step: float = 0.5) -> list[Row]:
    pairs = rng.sample([(u, i) for u in range(1, 12) for i in range(1, 15)], rng.randint(2, 60))
    return [
        (users(u), str(i), f"{rng.randint(1, int(5 / step)) * step:g}",
         str(880_000_000 + rng.randint(0, 10**8)))
        for u, i in pairs
    ]  # fmt: skip


def _known(rows: list[Row]) -> dict[tuple[str, str], float]:
    return {(user, item): float(rating) for user, item, rating, _ in rows}


def _csv(rows: list[Row], header: str | None, mark: str = ",", quote: int = 0) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, quoting=quote, lineterminator="\n")
    if header:
        writer.writerow(header.split())
    writer.writerows(rows)
    return text.getvalue().encode()


TEXTS: dict[str, Callable[[random.Random], tuple[str, list[Row], bytes]]] = {}


def _text(kind: str):
    def add(make_one):
        TEXTS[kind] = make_one
        return make_one

    return add


@_text("csv")
def _ratings_csv(rng):
    rows = _rows(rng, str)
    return "ratings.csv", rows, _csv(rows, "userId movieId rating timestamp")


@_text("quoted")
def _reviews(rng):
    rows = _rows(rng, lambda u: ["A3, b", "Zoé", 'the "one"', "B00007L9"][u % 4] + str(u))
    return "reviews.csv", rows, _csv(rows, "reviewerID asin overall unixReviewTime", quote=1)


@_text("accents")
def _accents(rng):
    rows = _rows(rng, lambda u: f"usér{u}")
    return "scores.csv", rows, _csv(rows, "user item score time", ";")


@_text("u.data")
def _u_data(rng):
    rows = _rows(rng, str, 1)
    return "u.data", rows, _csv(rows, None, "\t")


@_text("dat")
def _dat(rng):
    rows = _rows(rng, str)
    return "ratings.dat", rows, "".join("::".join(row) + "\n" for row in rows).encode()


@_text("jsonl")
def _jsonl(rng):
    rows = _rows(rng, lambda u: f"A{u}")
    lines = [
        json.dumps({"user_id": u, "parent_asin": i, "rating": float(r), "timestamp": int(t)})
        for u, i, r, t in rows
    ]
    return "reviews.jsonl", rows, ("\n".join(lines) + "\n").encode()


def compare(before: bytes, after: bytes, rows: list[Row]) -> tuple[dict, int]:
    """Return the ratings of the lines that are still there, and how many lines were touched.

    Where quotes come in, the lines between the first and the last one count as touched: by the
    rules of CSV they may be one field.
    """
    old, new = before.split(b"\n"), after.split(b"\n")
    data = [line for line in old if line][-len(rows) :]
    there = Counter(line.rstrip(b"\r") for line in new)
    intact = [row for row, line in zip(rows, data, strict=True) if there[line]]
    extra = len(Counter(line.rstrip(b"\r") for line in new) - Counter(old))
    touched = len(rows) - len(intact) + extra + (old[0] not in new)
    quotes = [at for at, line in enumerate(new) if b'"' in line]
    if quotes and b'"' not in before:
        touched += quotes[-1] - quotes[0]
    return _known(intact), touched


def _mutated_text(rng, kind):
    name, rows, text = TEXTS[kind](rng)
    if rng.random() < 0.1:
        return name, ends(rng, text), _known(rows), 0
    changed = several(rng, text, IN_TEXT)
    return name, changed, *compare(text, changed, rows)


def _of_text(kind):
    return lambda rng: Input(*_mutated_text(rng, kind))


def _swapped(rng):
    """Other separators throughout: the same rows, if they are read at all."""
    rows = _rows(rng, str)
    mark = rng.choice("\t;|, ")
    names = rng.choice((None, "userId movieId rating timestamp", "USER_ID item-id Stars ts"))
    name = rng.choice(("r.csv", "r.tsv", "r.txt", "ratings"))
    return Input(name, _csv(rows, names, mark), _known(rows))


def _packed(pack, ending):
    """Pack a text that was changed before (half of them), or change the packed one."""

    def make_one(rng):
        if rng.random() < 0.5:
            name, text, rows, touched = _mutated_text(rng, rng.choice(("csv", "u.data", "dat")))
            return Input(name + ending, pack(text), rows, touched)
        name, rows, text = TEXTS["csv"](rng)
        changed = rng.choice(ANYWHERE)(rng, pack(text))
        exact = _known(rows) if ending == ".gz" else None  # it has a checksum
        return Input(name + ending, changed, exact)

    return make_one


def _zstd(text: bytes) -> bytes:
    return pa.compress(text, codec="zstd", asbytes=True)


def _columnar(rng):
    """Change bytes of a Parquet or an Arrow file; no checksum guards their values."""
    rows = _rows(rng, str)
    columns = list(zip(*rows, strict=True))
    table = pa.table(
        {
            "userId": pa.array(map(int, columns[0])),
            "movieId": pa.array(columns[1]),
            "rating": pa.array(map(float, columns[2])),
            "timestamp": pa.array(map(int, columns[3])),
        }
    )
    out = io.BytesIO()
    if rng.random() < 0.3:
        name, packing = "ratings.feather", rng.choice(("uncompressed", "lz4", "zstd"))
        pyarrow.feather.write_feather(table, out, compression=packing)
    else:
        name, packing = "ratings.parquet", rng.choice(("none", "snappy", "zstd", "gzip"))
        pyarrow.parquet.write_table(table, out, compression=packing)
    return Input(name, several(rng, out.getvalue(), ANYWHERE), None)


def _other_layouts(rng):
    """Change blocks of one item each, a matrix, or one JSON array: a line may stand for many."""
    rows = _rows(rng, str, 1)
    items = sorted({item for _, item, _, _ in rows}, key=int)
    given = {(user, item): rating for user, item, rating, _ in rows}
    users = sorted({user for user, _, _, _ in rows}, key=int)
    blocks = "".join(
        f"{item}:\n"
        + "".join(f"{u},{given[u, item]},2005-09-06\n" for u in users if (u, item) in given)
        for item in items
    )
    matrix = (
        "user,"
        + ",".join(f"film {item}" for item in items)
        + "\n"
        + "".join(
            f"{user}," + ",".join(given.get((user, item), "") for item in items) + "\n"
            for user in users
        )
    )
    array = json.dumps([{"user": u, "item": i, "rating": int(r)} for (u, i), r in given.items()])
    texts = {"combined_data_1.txt": blocks, "matrix.csv": matrix, "ratings.json": array}
    name, text = rng.choice(list(texts.items()))
    return Input(name, several(rng, text.encode(), IN_TEXT), None)


def _zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def _archive(rng):
    """Change bytes of the headers or the content of an archive of one file."""
    name, rows, text = TEXTS["csv"](rng)
    content = _zipped({f"set/{name}": text}, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    changed = rng.choice((*ANYWHERE, archive_field, archive_field))(rng, content)
    return Input("set.zip", changed, _known(rows))


MOVIES = (
    "movieId,title,genres\n"
    + "".join(f'{i},"Film, {i} ({1950 + i})",Drama|War\n' for i in range(1, 15))
).encode()
TAGS = b"userId,movieId,tag,timestamp\n1,3,fine,880000000\n2,3,fine,880000001\n2,4,dull,880000002\n"


def _set(rng):
    """Change one member of a MovieLens archive before it is packed."""
    _, rows, text = TEXTS["csv"](rng)
    files = {"ratings.csv": text, "movies.csv": MOVIES, "tags.csv": TAGS}
    chosen = rng.choice(list(files))
    changed = rng.choice(IN_TEXT)(rng, files[chosen])
    known, touched = compare(text, changed, rows) if chosen == "ratings.csv" else (_known(rows), 0)
    members = {f"ml-25m/{name}": content for name, content in (files | {chosen: changed}).items()}
    return Input("ml-25m.zip", _zipped(members), known, touched)


def _folder(rng):
    _, rows, text = TEXTS["csv"](rng)
    beside = {"ratings.csv": text, "tags.csv": TAGS}
    return Input("movies.csv", rng.choice(IN_TEXT)(rng, MOVIES), _known(rows), beside=beside)


def _side(rng):
    _, rows, text = TEXTS["csv"](rng)
    changed = rng.choice(IN_TEXT)(rng, MOVIES)
    beside = {"ratings.csv": text}
    return Input("titles.csv", changed, _known(rows), beside=beside, items=True)


KINDS: dict[str, Callable[[random.Random], Input]] = {
    **{kind: _of_text(kind) for kind in TEXTS},
    "separators": _swapped,
    "gzip": _packed(gzip.compress, ".gz"),
    "zstd": _packed(_zstd, ".zst"),
    "Parquet, Arrow": _columnar,
    "other layouts": _other_layouts,
    "zip": _archive,
    "zip of a set": _set,
    "folder": _folder,
    "side table": _side,
}
