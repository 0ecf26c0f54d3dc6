"""How the letters of a text file are written: by its first bytes, or as a user says."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from penchant.data.files.stream import open_bytes, whole_lines
from penchant.errors import SettingsError, SourceError

_ENOUGH = 1 << 16  # bytes of faulty lines to tell an encoding by
_HIGH = re.compile(rb"[\x80-\xff]+")
NAMES = {
    "latin-1": "Latin-1", "cp1252": "Windows-1252", "utf-16": "UTF-16", "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16", "cp949": "Korean (CP949)", "gb18030": "Chinese (GB 18030)",
}  # fmt: skip


def decode(path: Path, head: bytes, whole: bool, given: str | None) -> tuple[str, str]:
    """Return the head of a file as text, cut after a whole line, and the codec that it took.

    Raises:
        SourceError: bytes that are no text.
        SettingsError: a codec was given that Python doesn't know.
    """
    codec = _given(given) if given else _guess(path, head, whole)
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    text = decoder.decode(head, whole)
    text = text.removeprefix("\ufeff")
    cut = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text if whole or not cut else text[:cut], codec


def narrow(path: Path) -> str:
    """Return the codec of a file that is no UTF-8: "latin-1", "cp1252", "cp949" or "gb18030".

    Raises `SourceError`, with the line, where it is UTF-8 with damaged bytes in it.
    """
    good = first_bad = number = 0
    bad = b""
    with open_bytes(path) as file:
        for lines in whole_lines(iter(lambda: file.read(1 << 20), b""), path):
            if not _is_utf8(lines):
                for at, line in enumerate(lines.split(b"\n"), start=number + 1):
                    if _is_utf8(line):
                        good += not line.isascii()
                    else:
                        first_bad = first_bad or at
                        bad += line + b"\n" if len(bad) < _ENOUGH else b""
            elif not lines.isascii():
                good += sum(not line.isascii() for line in lines.split(b"\n"))
            number += lines.count(b"\n")
    if good:
        raise SourceError(
            f"{path}, line {first_bad:,}: bytes that are no text, though {good:,} other lines are "
            f"UTF-8. Correct that line, save the file as UTF-8, or say how it is written: "
            f"encoding='cp1252', say."
        )
    return _two_bytes(bad) or _single_byte(bad)


def _two_bytes(some: bytes) -> str | None:
    """Tell Korean and Chinese letters, which are pairs of bytes above 0xA0, from single ones."""
    runs = _HIGH.findall(some)
    pairs = [run[at : at + 2] for run in runs for at in range(0, len(run), 2)]
    if not runs or any(len(run) % 2 for run in runs) or any(min(pair) < 0xA1 for pair in pairs):
        return None
    if sum(len(run) > 2 for run in runs) * 2 < len(runs):
        return None  # letters that stand alone, mostly: a western language
    hangul = sum(0xB0 <= pair[0] <= 0xC8 for pair in pairs)
    codec = "cp949" if hangul >= 0.9 * len(pairs) else "gb18030"
    try:
        some.decode(codec)
    except UnicodeDecodeError:
        return None
    return codec


def _guess(path: Path, head: bytes, whole: bool) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head:
        return _wide(path, head)
    last = len(head) if whole else head.rfind(b"\n") + 1  # never cut a character in two
    return "utf-8" if _is_utf8(head[:last]) else narrow(path)


def _wide(path: Path, head: bytes) -> str:
    """Take zeros in every second byte for UTF-16 without its mark."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.4 * len(head) / 2 and not even:
        return "utf-16-le"
    if even > 0.4 * len(head) / 2 and not odd:
        return "utf-16-be"
    raise SourceError(
        f"{path} holds bytes that are no text (a zero byte at {head.index(0):,}). Unpack it, "
        f"or export it as CSV."
    )


def _single_byte(some: bytes) -> str:
    """Tell Windows' code page from Latin-1, which has no letters between 0x80 and 0x9F."""
    if not any(0x80 <= byte < 0xA0 for byte in set(some)):
        return "latin-1"
    try:
        some.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _is_utf8(some: bytes) -> bool:
    try:
        some.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _given(name: str) -> str:
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        raise SettingsError(
            f"encoding must be a name such as utf-8, latin-1, cp1252 or cp949, not {name!r}."
        ) from None
    return {"iso8859-1": "latin-1", "utf-8-sig": "utf-8"}.get(codec, codec)
