"""What kind of file it is, by its first bytes; kinds that cannot be read say what to do."""

from __future__ import annotations

from pathlib import Path

from penchant.data.files.encoding import decode
from penchant.data.files.records import is_fields, is_json
from penchant.data.files.stream import read_head, unreadable
from penchant.errors import SourceError

_KINDS = {b"PAR1": "parquet", b"ARROW1": "arrow", b"FEA1": "arrow", b"\xff\xff\xff\xff": "arrow"}
_FOREIGN = {
    b"SQLite format 3": "a SQLite database. Say which rows: "
    "load('sqlite:///{path}', query='select …')",
    b"PK\x03\x04": "an Excel workbook or another archive. Export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook. Export the sheet as CSV",
    b"\x89HDF": "an HDF5 file. Export the table as CSV or Parquet",
    b"MATLAB": "a MATLAB file. Export the matrix as CSV",
    b"\x93NUMPY": "a NumPy array. Load it, and give user, item and rating as a data frame",
    b"%PDF": "a PDF document. Export the table as CSV",
    b"\x80\x02": "a Python pickle, which is never opened: it can run code. Export it as Parquet",
    b"\x80\x03": "a Python pickle, which is never opened: it can run code. Export it as Parquet",
    b"\x80\x04": "a Python pickle, which is never opened: it can run code. Export it as Parquet",
    b"\x80\x05": "a Python pickle, which is never opened: it can run code. Export it as Parquet",
    b"7z\xbc\xaf": "a 7z archive. Unpack it",
    b"Rar!": "a RAR archive. Unpack it",
}  # fmt: skip


def kind_of(path: Path) -> str:
    """Return "parquet", "arrow", "json", "fields" or "text".

    Raises `SourceError` for a file of another kind, and for what is no file.
    """
    if not path.is_file():
        raise SourceError(f"{path} cannot be read: it is no file, but a pipe or a device.")
    try:
        with path.open("rb") as file:
            first = file.read(16)
    except OSError as error:
        raise unreadable(path, error) from None
    for magic, kind in _KINDS.items():
        if first.startswith(magic):
            return kind
    if path.suffix.lower() in (".parquet", ".pq", ".arrow", ".feather"):
        raise SourceError(
            f"{path} cannot be read: its first bytes are not {path.suffix[1:]}'s. Export it anew."
        )
    for magic, what in _FOREIGN.items():
        if first.startswith(magic):
            raise SourceError(f"{path} is {what.format(path=path)}.")
    return _kind_of_text(path)


def _kind_of_text(path: Path) -> str:
    head, whole = read_head(path, 65_536)
    if b"\0" in head:
        return "text"  # or no text: the layout tells
    text, _ = decode(path, head, whole, None)
    return "json" if is_json(text) else "fields" if is_fields(text) else "text"
