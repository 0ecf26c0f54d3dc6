"""Contents -> a folder that is on disk whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from penchant import __version__
from penchant.atomic import new_folder
from penchant.errors import BundleError
from penchant.storage.bundle import arrays, card, columns, id_tables, verified
from penchant.storage.bundle.contents import (
    CARD,
    ITEMS,
    MAX_CARD_BYTES,
    POSTERIOR,
    RATINGS,
    USERS,
    WEIGHTS,
    Contents,
    Unfit,
)


def write(path: str | os.PathLike[str], contents: Contents, *, overwrite: bool = False) -> None:
    """Write a bundle.

    It is written beside its place, synced and renamed: `path` holds the old bundle or the new
    one at every moment, also when the process is killed or the disk is full (see
    `penchant.atomic` for the systems where that takes two renames).

    Args:
        path: the folder to make, such as ``films.penchant``; its parent exists.
        contents: what to write.
        overwrite: whether a bundle that stands there is replaced. Anything else that stands
            there never is.

    Raises:
        BundleError: something stands at `path` already; the contents break a rule of the
            format; the disk is full, or another error of the system. Nothing has changed then.
    """
    target = Path(path)
    _require_free(target, overwrite)
    try:
        with new_folder(target, replace=overwrite) as folder:
            _fill(folder, contents)
    except Unfit as error:
        raise BundleError(f"{target} was not written: {error}.") from error
    except OSError as error:
        raise BundleError(
            f"{target} was not written: {error.strerror or error}. Nothing was changed. Choose "
            f"a folder that exists, that you may write to, and that has room."
        ) from error


def _fill(folder: Path, contents: Contents) -> None:
    users, items = contents.users.size, contents.items.size
    arrays.require_rows(contents.weights, users, items)
    said = {
        WEIGHTS: arrays.write(folder / WEIGHTS, contents.weights),
        USERS: id_tables.write(folder / USERS, contents.users, contents.user_table),
        ITEMS: id_tables.write(folder / ITEMS, contents.items, contents.item_table),
    }
    if contents.posterior is not None:
        said[POSTERIOR] = arrays.write(folder / POSTERIOR, contents.posterior)
    if contents.ratings is not None:
        said[RATINGS] = columns.write(folder / RATINGS, contents.ratings, users, items)
    listed = {name: {**verified.described(folder / name), **of} for name, of in said.items()}
    raw = card.encode(contents.kind, contents.card, listed, __version__)
    if len(raw) > MAX_CARD_BYTES:
        raise Unfit(f"its card has {len(raw):,} bytes, more than {MAX_CARD_BYTES:,}")
    (folder / CARD).write_bytes(raw)


def _require_free(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise BundleError(
            f"{target} exists already. Choose another name, or allow with overwrite=True that "
            f"it is replaced."
        )
    try:
        found = verified.names(target)
    except (Unfit, OSError):
        found = []
    if CARD not in found:
        raise BundleError(
            f"{target} is no bundle, or holds other files too, so it is not replaced. Choose "
            f"another name, or remove it yourself."
        )
