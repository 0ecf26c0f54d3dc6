"""Inputs for `fuzz_sources.py`: good files of every kind, and what is done to them.

Each input is a pure function of its kind and its number, so that any one can be made again.
"""

import csv
import dataclasses
import gzip
import io
import json
import random
import struct
import zipfile
from collections import Counter
from collections.abc import Callable

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

Row = tuple[str, str, str, str]

FIELDS = [
    "", " ", "nan", "inf", "-inf", "1e400", "9" * 40, "-1e38", "3.4e38", "1e-320", "0x10", "1_000",
    "5,0", "+5", "--5", "٣", "५", "NULL", "None", "true", "2024-02-30", "-1", "0", "00", "007",
    "9223372036854775808", "-9223372036854775809", "1e5", "\u202e5", "é", "a" * 5000, "'", '"',
    '""', "\\", "{}", "=1+1", "1.0000000000000001", "4.", ".5", "1e", "\x1b[2J", "\ufeff5",
]  # fmt: skip


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


def _line(rng: random.Random, text: bytes) -> tuple[list[bytes], int]:
    lines = text.split(b"\n")
    return lines, rng.randrange(max(1, len(lines) - 1))


def flip(rng, text):
    changed = bytearray(text)
    for _ in range(rng.choice((1, 1, 2, 5))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replace_bytes(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + rng.randbytes(rng.randint(1, 4)) + text[at + rng.randint(0, 4) :]


def truncate(rng, text):
    return text[: rng.randrange(len(text))]


def cut_out(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + text[at + rng.randint(1, 60) :]


def repeat(rng, text):
    at = rng.randrange(len(text))
    piece = text[at : at + rng.randint(1, 200)]
    return text[:at] + piece * rng.choice((2, 3, 50)) + text[at:]


def exchange(rng, text):
    a, b, c = sorted(rng.randrange(len(text)) for _ in range(3))
    return text[:a] + text[b:c] + text[a:b] + text[c:]


def zeros(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + bytes(rng.choice((1, 2, 4096))) + text[at:]


def field(rng, text):
    """Put something odd in the place of one field."""
    lines, at = _line(rng, text)
    mark = next((m for m in (b"::", b"\t", b";", b",") if m in lines[at]), b",")
    fields = lines[at].split(mark)
    fields[rng.randrange(len(fields))] = rng.choice(FIELDS).encode()
    lines[at] = mark.join(fields)
    return b"\n".join(lines)


def separator_of_a_line(rng, text):
    lines, at = _line(rng, text)
    mark = next((m for m in (b"::", b"\t", b";", b",") if m in lines[at]), b",")
    lines[at] = lines[at].replace(mark, rng.choice((b",", b";", b"\t", b"|", b" ", b"::", b"")))
    return b"\n".join(lines)


def header(rng, text):
    """Change the first line: lost, twice, renamed, in capitals."""
    first, _, rest = text.partition(b"\n")
    words = [b"", first + b"\n" + first, first.upper(), first + b",extra", b"a,b,c,d", b"#" + first]
    return rng.choice(words) + b"\n" + rest


def ends(rng, text):
    """Other ends of lines, a byte-order mark, UTF-16, blank lines: the same rows."""
    ways = [
        text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text, text[:-1], b"\n\n" + text,
        text + b"\n\n\n", text.decode().encode("utf-16"), text.replace(b"\n", b"\n\n"),
    ]  # fmt: skip
    return rng.choice(ways)


def _several(rng, content, ways):
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if content:
            content = rng.choice(ways)(rng, content)
    return content


ANYWHERE = (flip, replace_bytes, truncate, cut_out, repeat, exchange, zeros)
IN_TEXT = (*ANYWHERE, field, field, separator_of_a_line, header)


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
    changed = _several(rng, text, IN_TEXT)
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
    return Input(name, _several(rng, out.getvalue(), ANYWHERE), None)


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
    return Input(name, _several(rng, text.encode(), IN_TEXT), None)


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


def archive_field(rng, content):
    """Put an odd number in one field of a header of an archive."""
    marks = {b"PK\x03\x04": 30, b"PK\x01\x02": 46, b"PK\x05\x06": 22}
    mark = rng.choice(list(marks))
    changed = bytearray(content)
    at = content.index(mark) + 2 * rng.randrange(2, marks[mark] // 2)
    value = rng.choice((0, 1, 8, 99, 255, 0x800, 0x7FFF, 0xFFFF, rng.randrange(65536)))
    struct.pack_into("<H", changed, at, value)
    return bytes(changed)


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
