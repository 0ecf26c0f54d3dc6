"""The bundle: a folder that holds a recommender, and that anyone can open without fear.

It is named arrays, two tables of ids and a card; this package knows no model. Format 1 is::

    card.json              what it is: format, kind, the caller's entries, and of each other
                           file its bytes, SHA-256, and arrays or rows
    weights.safetensors    named arrays; ``user_…`` has M rows and ``item_…`` has N
    posterior.safetensors  further named arrays (optional)
    users.arrow            column 0 is the id of each row (M rows), the others are side columns
    items.arrow            the same of the items (N rows)
    ratings.parquet        user_row, item_row, rating and, if known, timestamp (optional)

Row 0 of both tables is the stranger, whose id is null. Nothing is compressed, so that no file
unfolds to more than its size. ``sha256`` in the card is the digest of the card itself with these
64 digits set to 0.

A bundle is read as if an enemy had made it: no pickle, no code, no links, no files but these;
sizes, shapes, types and digests are checked before anything is allocated, and all numbers are
finite. What is not right ends in a `BundleError` that names the file. The digests find accidents;
they do not prove who made the bundle: whoever can write the folder can write digests that match.
"""

from penchant.storage.bundle.contents import Columns, Contents
from penchant.storage.bundle.reader import Bundle, read
from penchant.storage.bundle.writer import write

__all__ = ["Bundle", "Columns", "Contents", "read", "write"]
