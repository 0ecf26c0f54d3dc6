"""Archives that are made to do harm, or are damaged, are refused before anything is written."""

import io
import os
import re
import stat
import struct
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import penchant
from penchant.data.fetch import archive as archives
from penchant.data.fetch import unzip
from penchant.errors import SourceError

SOURCE = str(Path(penchant.__file__).parents[1])
RATINGS = b"userId,movieId,rating\n" + b"".join(b"%d,%d,%d\n" % (u, u * 7 % 13, 1 + u * 3 % 5)
                                                for u in range(1, 60))  # fmt: skip


def pack(*members, kind=zipfile.ZIP_DEFLATED):
    """Pack (name or ZipInfo, content); a name twice is no warning here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as file:
        for name, content in members:
            file.NameToInfo.pop(getattr(name, "filename", name), None)
            file.writestr(name, content, kind)
    return packed.getvalue()


def info(name, mode):
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def renamed(content, old, new):
    """Write another name of the same length into both headers, as no library would."""
    assert content.count(old) == 2
    return content.replace(old, new)


def patched(content, field, value):
    """Change a field of the first entry in the central directory."""
    at = content.index(b"PK\x01\x02")
    place, form = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<I")}[field]
    changed = bytearray(content)
    struct.pack_into(form, changed, at + place, value)
    return bytes(changed)


GOOD = ("ratings.csv", RATINGS)
NOISE = os.urandom(3000)

REFUSED = {
    "escapes": (pack(GOOD, ("../../evil.csv", b"x")), "'../../evil.csv' would be written outside"),
    "escapes within": (pack(GOOD, ("a/../../evil", b"x")), "would be written outside the folder"),
    "absolute": (pack(GOOD, ("/tmp/penchant-evil.csv", b"x")), "would be written outside"),
    "a drive": (pack(GOOD, ("C:evil.csv", b"x")), "would be written outside the folder"),
    "backslashes": (pack(GOOD, ("..\\evil.csv", b"x")), "would be written outside the folder"),
    "a backslash": (pack(GOOD, ("a\\evil.csv", b"x")), "is no plain file name"),
    "a stream": (pack(GOOD, ("ratings.csv:evil", b"x")), "is no plain file name"),
    "a zero byte": (
        renamed(pack(GOOD, ("evilX.csv", b"x")), b"evilX.csv", b"evil\0.csv"),
        "is no plain file name",
    ),
    "an escape sequence": (pack(GOOD, ("\x1b[2J.csv", b"x")), "is no plain file name"),
    "a long name": (pack(GOOD, ("x" * 201, b"x")), "is too long a name"),
    "a link": (pack(GOOD, (info("a", stat.S_IFLNK | 0o777), b"/etc/passwd")), "'a' is a link or"),
    "a device": (pack(GOOD, (info("a", stat.S_IFCHR | 0o666), b"")), "is a link or a device"),
    "a bomb": (pack(GOOD, ("zeros.csv", bytes(3_000_000))), "more than 100 times that"),
    "a stated bomb": (patched(pack(GOOD), "size", 2**31), "unpack to 2,147,483,648, more than"),
    "encrypted": (patched(pack(GOOD), "flags", 1), "'ratings.csv' is encrypted"),
    "strongly encrypted": (patched(pack(GOOD), "flags", 0x40), "'ratings.csv' is encrypted"),
    "another method": (pack(GOOD, kind=zipfile.ZIP_LZMA), "is packed by method 14"),
    "nested": (pack(GOOD, ("more.ZIP", pack(GOOD))), "'more.ZIP' is an archive within the archive"),
    "nested tar": (pack(GOOD, ("more.tar.gz", b"")), "is an archive within the archive"),
    "one name twice": (pack(GOOD, GOOD), "two members have one name, 'ratings.csv' and"),
    "case alone": (pack(GOOD, ("Ratings.csv", b"x")), "two members have one name"),
    "composition alone": (
        pack(("\u00e9.csv", RATINGS), ("e\u0301.csv", NOISE)), "two members have one name"
    ),
    "a file and a folder": (
        pack(("a", NOISE), ("a/ratings.csv", RATINGS)), "'a' is both a file and a folder"
    ),
    "many files": (pack(*((f"{at}.csv", b"x") for at in range(10_001))), "it holds 10,001 files"),
}  # fmt: skip


def overlapping():
    """Two entries of the list that share one member: the trick of the archives that unpack most."""
    content = bytearray(pack(("a.csv", NOISE), ("b.csv", RATINGS)))
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 1)
    struct.pack_into("<I", content, second + 42, 10)  # where its header is said to stand
    return bytes(content)


def load(tmp_path, content, name="bad.zip"):
    path = tmp_path / name
    path.write_bytes(content)
    return penchant.load(path, quiet=True)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    """Temporary files go into a folder that must be empty after each test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []
    outside = [path.name for path in tmp_path.rglob("*evil*")]
    assert outside == []


def test_a_good_archive(tmp_path):
    ratings = load(tmp_path, pack(GOOD), "good.ZIP")
    assert len(ratings) == 59
    assert ratings.notices[0].startswith("ratings.csv: separated by commas, header")


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind, tmp_path):
    content, message = REFUSED[kind]
    with pytest.raises(SourceError, match=re.escape(message)) as caught:
        load(tmp_path, content)
    assert "bad.zip is refused, and nothing of it was unpacked: " in str(caught.value)


def test_members_that_overlap_are_refused(tmp_path):
    with pytest.raises(SourceError, match=r"'b\.csv' overlaps another member"):
        load(tmp_path, overlapping())


def test_an_archive_of_many_sizes_is_unpacked_up_to_a_hundred_times(tmp_path):
    zeros = b"1,2,3\n" * 40_000
    content = pack(("ratings.csv", b"user,item,rating\n" + zeros), ("noise.bin", NOISE))
    assert len(zeros) < 100 * len(content)
    path = tmp_path / "good.zip"
    path.write_bytes(content)
    with unzip.opened(path) as archive:
        assert sum(map(len, archive.chunks("ratings.csv"))) == len(zeros) + 17


@pytest.mark.parametrize("cut", [0, 10, 40, 100, 200, -60, -22, -1])
def test_a_truncated_archive(cut, tmp_path):
    with pytest.raises(SourceError, match=r"bad\.zip cannot be unpacked: .* cut short\?"):
        load(tmp_path, pack(GOOD)[:cut])


def test_altered_content(tmp_path):
    content = bytearray(pack(GOOD))
    content[60] ^= 255
    with pytest.raises(SourceError, match=r"bad\.zip cannot be unpacked: "):
        load(tmp_path, bytes(content))


@pytest.mark.parametrize("size", [len(RATINGS) - 5, len(RATINGS) + 5])
def test_a_size_that_is_not_true(size, tmp_path):
    """Stored, so that no end of a packed stream shows where it ends."""
    with pytest.raises(SourceError, match=r"bad\.zip cannot be unpacked: "):
        load(tmp_path, patched(pack(GOOD, kind=zipfile.ZIP_STORED), "size", size))


def test_a_size_that_is_not_true_and_a_sum_that_fits(tmp_path):
    """`zipfile` ends where the stored bytes do; what is missing then is seen by us."""
    content = patched(pack(GOOD, kind=zipfile.ZIP_STORED), "size", len(RATINGS) + 5)
    path = tmp_path / "bad.zip"
    path.write_bytes(content)
    with (
        pytest.raises(SourceError, match=r"'ratings\.csv' is smaller than it states|cannot be"),
        unzip.opened(path) as archive,
    ):
        archive.verify()


def test_an_archive_of_nothing(tmp_path):
    with pytest.raises(SourceError, match=r"bad\.zip holds no file\. Was anything packed into it"):
        load(tmp_path, pack(("__MACOSX/._ratings.csv", b"x"), ("empty/", b"")))


def test_what_is_wrong_inside_is_told_by_the_archives_name(tmp_path):
    lines = RATINGS + b"5,6\n"
    with pytest.raises(penchant.PenchantError) as caught:
        load(tmp_path, pack(("set/ratings.csv", lines)))
    assert f"{tmp_path}/bad.zip/set/ratings.csv, line 61" in str(caught.value)


def test_folders_within_folders(tmp_path, later):
    files = {f"x/y/{name}": content for name, content in later("ml-25m").items()}
    ratings = load(tmp_path, pack(*files.items()))
    assert ratings.item_table.column_names == ["title", "year", "genres", "tags"]


def test_a_full_disk(tmp_path, small_disk, monkeypatch):
    disk = small_disk("1m")
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    content = pack(("ratings.csv", RATINGS), ("noise.csv", os.urandom(2_000_000)))
    message = r"The disk is full: 2\.0 MB were to be kept in .*temporary files: TMPDIR"
    with pytest.raises(SourceError, match=message):
        load(tmp_path, content)
    assert list(disk.iterdir()) == []


def test_the_large_files_that_are_not_read_are_not_unpacked(tmp_path, later):
    path = tmp_path / "ml-25m.zip"
    path.write_bytes(pack(*later("ml-25m").items()))
    with archives.unpacked(path) as folder:
        names = {file.name for file in folder.iterdir()}
    assert names == {"ratings.csv", "movies.csv", "tags.csv", "README.txt"}


def as_nobody(code, *arguments):
    """Run Python code as a user without rights; root may read anything."""
    head = "import os, sys\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
    return subprocess.run(
        [sys.executable, "-c", "import penchant.data.load\n" + head + textwrap.dedent(code),
         *map(str, arguments)],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": SOURCE},
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be less")
def test_no_rights(tmp_path, later, monkeypatch):
    """Of an archive, a file, a folder, the folder above, and a cache folder."""
    shared = tmp_path / "shared"
    closed = shared / "closed"
    closed.mkdir(parents=True)
    for folder in (shared, *shared.parents):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith(str(tmp_path.parents[1])):
            folder.chmod(0o755)
    (closed / "inside.csv").write_bytes(RATINGS)
    (shared / "a.zip").write_bytes(pack(GOOD))
    (shared / "a.csv").write_bytes(RATINGS)
    for path in (closed, shared / "a.zip", shared / "a.csv"):
        path.chmod(0)
    code = """
        from penchant.errors import SourceError
        for name in sys.argv[1:]:
            try:
                penchant.data.load.load(name, quiet=True)
            except SourceError as error:
                print(error)
    """
    names = [shared / "a.zip", shared / "a.csv", closed, closed / "inside.csv"]
    done = as_nobody(code, *names)
    told = done.stdout.splitlines()
    assert len(told) == 4, done.stderr
    for name, line in zip(names, told, strict=True):
        assert "cannot be read" in line
        assert "Permission denied" in line
        assert str(name) in line
