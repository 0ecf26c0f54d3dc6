from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import penchant
from penchant import atomic

SOURCE = Path(penchant.__file__).parents[1]


def fill(folder: Path, text: str) -> None:
    (folder / "one.txt").write_text(text)
    (folder / "two.txt").write_text(text)


def put(path: Path, text: str, *, replace: bool = False) -> None:
    with atomic.new_folder(path, replace=replace) as folder:
        fill(folder, text)


def seen(path: Path) -> set[str]:
    """What a reader finds; one value means that the folder is whole."""
    return {file.read_text() for file in sorted(atomic.present(path).iterdir())}


def leftovers(path: Path) -> list[Path]:
    return [p for p in path.parent.iterdir() if p.name.startswith(f".{path.name}")]


def age(paths: list[Path]) -> None:
    for path in [*paths, *(inner for p in paths if p.is_dir() for inner in p.iterdir())]:
        os.utime(path, (0, time.time() - atomic.ABANDONED - 1), follow_symlinks=False)


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    """Both ways of replacing a folder; the second is that of systems that cannot exchange."""
    if request.param == "two renames":
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    elif sys.platform not in ("linux", "darwin"):
        pytest.skip("this system cannot exchange two names")
    return request.param


class TestNewFile:
    def test_nobody_else_may_read_it_from_its_first_byte_on(self, tmp_path):
        with atomic.new_file(tmp_path / "a.txt", mode=0o600) as file:
            assert os.stat(file.name).st_mode & 0o777 == 0o600
        assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o600

    def test_makes_and_replaces(self, tmp_path):
        for text in (b"old", b"new"):
            with atomic.new_file(tmp_path / "a.txt") as file:
                file.write(text)
            assert (tmp_path / "a.txt").read_bytes() == text
        assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]

    def test_an_error_in_the_block_changes_nothing(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"old")
        with pytest.raises(ZeroDivisionError), atomic.new_file(tmp_path / "a.txt") as file:
            file.write(b"half" * (file.write(b"half") // 0))
        assert (tmp_path / "a.txt").read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]

    def test_the_old_file_is_there_until_the_end(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"old")
        with atomic.new_file(tmp_path / "a.txt") as file:
            file.write(b"new")
            assert (tmp_path / "a.txt").read_bytes() == b"old"

    def test_follows_a_link(self, tmp_path):
        (tmp_path / "real.txt").write_bytes(b"old")
        (tmp_path / "link.txt").symlink_to("real.txt")
        with atomic.new_file(tmp_path / "link.txt") as file:
            file.write(b"new")
        assert (tmp_path / "link.txt").is_symlink()
        assert (tmp_path / "real.txt").read_bytes() == b"new"

    def test_a_missing_folder_is_an_os_error(self, tmp_path):
        with pytest.raises(FileNotFoundError), atomic.new_file(tmp_path / "no" / "a.txt"):
            pass


class TestNewFolder:
    def test_makes_and_replaces(self, tmp_path, way):
        target = tmp_path / "folder"
        put(target, "old")
        put(target, "new", replace=True)
        assert seen(target) == {"new"}
        assert leftovers(target) == []

    def test_does_not_replace_unasked(self, tmp_path):
        put(tmp_path / "folder", "old")
        with pytest.raises(FileExistsError):
            put(tmp_path / "folder", "new")
        assert seen(tmp_path / "folder") == {"old"}
        assert leftovers(tmp_path / "folder") == []

    def test_an_error_in_the_block_changes_nothing(self, tmp_path):
        put(tmp_path / "folder", "old")
        with (
            pytest.raises(ZeroDivisionError),
            atomic.new_folder(tmp_path / "folder", replace=True) as folder,
        ):
            fill(folder, str(1 // 0))
        assert seen(tmp_path / "folder") == {"old"}
        assert leftovers(tmp_path / "folder") == []

    def test_follows_a_link(self, tmp_path, way):
        put(tmp_path / "real", "old")
        (tmp_path / "link").symlink_to("real")
        put(tmp_path / "link", "new", replace=True)
        assert (tmp_path / "link").is_symlink()
        assert seen(tmp_path / "real") == {"new"}

    @pytest.mark.parametrize("failing", [1, 2])
    def test_a_failing_rename_changes_nothing(self, tmp_path, monkeypatch, failing):
        target = tmp_path / "folder"
        put(target, "old")
        calls = []
        rename = os.rename

        def refuse(one, other):
            calls.append(other)
            if len(calls) == failing:
                raise OSError(errno.EIO, "no")
            rename(one, other)

        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
        monkeypatch.setattr(os, "rename", refuse)
        with pytest.raises(OSError, match="no"):
            put(target, "new", replace=True)
        assert seen(target) == {"old"}
        assert leftovers(target) == []

    def test_a_reader_never_finds_it_missing(self, tmp_path):
        """While a thread replaces the folder again and again, it is there at each look."""
        target = tmp_path / "folder"
        put(target, "0")
        put(tmp_path / "b", "b")
        if not atomic._exchange(target, tmp_path / "b"):
            pytest.skip("this file system cannot exchange two names")
        done = threading.Event()

        def replace():
            for number in range(60):
                put(target, str(number), replace=True)
            done.set()

        writer = threading.Thread(target=replace)
        writer.start()
        missing = 0
        while not done.is_set():
            missing += not target.exists()
        writer.join()
        assert missing == 0
        assert seen(target) == {"59"}


class TestSync:
    """What is on disk after a power cut can't be tried here; the order of the calls can."""

    @pytest.fixture
    def calls(self, monkeypatch):
        made = []
        sync, rename, replace = os.fsync, os.rename, os.replace

        def name(place) -> str:
            return "temporary" if Path(place).suffix == ".tmp" else Path(place).name

        def synced(descriptor):
            made.append(f"sync {name(os.readlink(f'/proc/self/fd/{descriptor}'))}")
            sync(descriptor)

        def renamed(call):
            return lambda one, other: (call(one, other), made.append(f"to {name(other)}"))[0]

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "rename", renamed(rename))
        monkeypatch.setattr(os, "replace", renamed(replace))
        if not Path("/proc/self/fd").is_dir():
            pytest.skip("needs /proc")
        return made

    def test_of_a_file(self, tmp_path, calls):
        with atomic.new_file(tmp_path / "a.txt") as file:
            file.write(b"new")
        assert calls == ["sync temporary", "to a.txt", f"sync {tmp_path.name}"]

    def test_of_a_folder(self, tmp_path, calls):
        put(tmp_path / "folder", "new")
        assert sorted(calls[:2]) == ["sync one.txt", "sync two.txt"]
        assert calls[2:] == ["sync temporary", "to folder", f"sync {tmp_path.name}"]

    def test_the_old_folder_goes_after_the_new_one_is_synced(self, tmp_path, calls, monkeypatch):
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
        put(tmp_path / "folder", "old")
        calls.clear()
        put(tmp_path / "folder", "new", replace=True)
        assert calls[3:] == ["to .folder.old", "to folder", f"sync {tmp_path.name}", "to temporary"]

    def test_a_half_removed_old_folder_has_lost_its_name(self, tmp_path, monkeypatch):
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
        monkeypatch.setattr(atomic.shutil, "rmtree", lambda path, ignore_errors: None)
        put(tmp_path / "folder", "old")
        put(tmp_path / "folder", "new", replace=True)
        assert not (tmp_path / ".folder.old").exists()
        assert len(list(tmp_path.glob("..folder.old.*.tmp"))) == 1


class TestExchange:
    def test_swaps(self, tmp_path):
        put(tmp_path / "a", "a")
        put(tmp_path / "b", "b")
        if not atomic._exchange(tmp_path / "a", tmp_path / "b"):
            pytest.skip("this file system cannot exchange two names")
        assert (seen(tmp_path / "a"), seen(tmp_path / "b")) == ({"b"}, {"a"})

    def test_an_error_of_the_system_is_raised(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="No such file"):
            atomic._exchange(tmp_path / "a", tmp_path / "b")

    def test_other_systems_cannot(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "platform", "win32")
        assert atomic._exchange(tmp_path / "a", tmp_path / "b") is False

    @pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
    def test_a_file_system_that_cannot_is_no_error(self, tmp_path, monkeypatch, code):
        import ctypes

        class Library:
            def renameat2(self, *arguments):
                ctypes.set_errno(code)
                return -1

        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(ctypes, "CDLL", lambda *a, **k: Library())
        assert atomic._exchange(tmp_path / "a", tmp_path / "b") is False

    def test_an_older_c_library_cannot(self, tmp_path, monkeypatch):
        import ctypes

        monkeypatch.setattr(ctypes, "CDLL", lambda *a, **k: object())
        assert atomic._exchange(tmp_path / "a", tmp_path / "b") is False


class TestLeftovers:
    def make(self, tmp_path: Path) -> list[Path]:
        file, folder = (tmp_path / f".films.{digit * 16}.tmp" for digit in "ab")
        file.write_text("half")
        folder.mkdir()
        fill(folder, "half")
        return [file, folder]

    @pytest.fixture
    def no_locks(self, monkeypatch):
        monkeypatch.setattr(atomic, "fcntl", None)

    def test_a_killed_writers_are_removed_by_the_next_write(self, tmp_path):
        left = self.make(tmp_path)
        put(tmp_path / "films", "new")
        assert [path for path in left if path.exists()] == []

    def test_those_of_a_writer_that_lives_stay(self, tmp_path):
        with atomic.new_folder(tmp_path / "films") as folder, atomic.new_file(tmp_path / "a"):
            fill(folder, "one")
            put(tmp_path / "films", "other")
            atomic.sweep(tmp_path)
            assert seen(folder) == {"one"}
            assert len(leftovers(tmp_path / "a")) == 1
            shutil.rmtree(tmp_path / "films")
        assert seen(tmp_path / "films") == {"one"}

    def test_all_in_a_folder_are_swept_and_a_broken_off_replacement_is_undone(self, tmp_path):
        self.make(tmp_path)
        for name in (".films.old", ".other.old", "other"):
            (tmp_path / name).mkdir()
            fill(tmp_path / name, name)
        atomic.sweep(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "other"]
        assert seen(tmp_path / "films") == {".films.old"}
        assert seen(tmp_path / "other") == {"other"}

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_old_ones_are_removed(self, tmp_path):
        left = self.make(tmp_path)
        age(left)
        put(tmp_path / "films", "new")
        assert [path for path in left if path.exists()] == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_young_ones_stay_for_they_may_be_in_use(self, tmp_path):
        left = self.make(tmp_path)
        put(tmp_path / "films", "new")
        assert all(path.exists() for path in left)

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_a_folder_whose_file_still_grows_stays(self, tmp_path):
        _, folder = left = self.make(tmp_path)
        age(left)
        os.utime(folder / "one.txt")
        put(tmp_path / "films", "new")
        assert folder.exists()

    @pytest.mark.parametrize(
        "name", ["films.aaaaaaaaaaaaaaaa.tmp", ".films.tmp", ".filmsx.aaaaaaaaaaaaaaaa.tmp"]
    )
    def test_files_of_others_stay(self, tmp_path, name):
        (tmp_path / name).write_text("mine")
        age([tmp_path / name])
        put(tmp_path / "films", "new")
        assert (tmp_path / name).read_text() == "mine"

    def test_a_link_named_like_one_is_removed_and_not_followed(self, tmp_path):
        (tmp_path / "precious").mkdir()
        fill(tmp_path / "precious", "mine")
        link = tmp_path / ".films.aaaaaaaaaaaaaaaa.tmp"
        link.symlink_to("precious")
        age([link])
        os.utime(link, (0, 0), follow_symlinks=False)
        put(tmp_path / "films", "new")
        assert not link.is_symlink()
        assert seen(tmp_path / "precious") == {"mine"}


STEPS = """
import json, os, signal, sys
from pathlib import Path
from penchant import atomic

way, root = sys.argv[1:]
exchange = atomic._exchange if way == "exchange" else lambda one, other: False
NAMES = ("mkdir", "open", "close", "fsync", "rename", "replace", "unlink", "rmdir", "scandir")
plain = {name: getattr(os, name) for name in NAMES}


def run(target, last):
    # Replace the folder, and die before the system call number `last`; return the calls made.
    made = []

    def counted(name, call):
        def wrapper(*arguments, **more):
            if len(made) == last:
                os.kill(os.getpid(), signal.SIGKILL)
            made.append(name)
            return call(*arguments, **more)
        return wrapper

    for name, call in plain.items():
        setattr(os, name, counted(name, call))
    atomic._exchange = counted("exchange", exchange)
    with atomic.new_folder(target, replace=True) as folder:
        for name in ("one.txt", "two.txt"):
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT)
            os.write(descriptor, b"new")
            os.close(descriptor)
    return made


def old(target):
    target.parent.mkdir()
    with atomic.new_folder(target) as folder:
        for name in ("one.txt", "two.txt"):
            (folder / name).write_text("old")


step, ended = 0, False
while not ended:
    target = Path(root, str(step), "folder")
    old(target)
    child = os.fork()
    if not child:
        run(target, step)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    ended = os.WIFEXITED(status)
    if not ended and os.WTERMSIG(status) != signal.SIGKILL:
        sys.exit("a child ended in another way")
    step += 1
print(step)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["exchange", "two renames"])
def test_killed_at_each_step_the_old_or_the_new_one_is_there(tmp_path, kind):
    """A real child process dies by SIGKILL before its 1st, 2nd … last system call."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS, kind, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
    )
    steps = int(done.stdout)
    assert steps > 15
    outcomes = []
    for step in range(steps):
        target = tmp_path / str(step) / "folder"
        if kind == "exchange":
            assert target.is_dir()
        outcomes.append(seen(target))
        age(leftovers(target))
        put(target, "next", replace=True)
        assert seen(target) == {"next"}
        assert leftovers(target) == []
    assert outcomes[0] == {"old"}
    assert outcomes[-1] == {"new"}
    assert sorted(map(str, outcomes), reverse=True) == list(map(str, outcomes))  # old … new
    print(f"\n{kind}: {steps - 1} children killed, {outcomes.count({'old'})} left the old one")  # noqa: T201


class TestPresent:
    def test_is_the_place_itself_where_something_is(self, tmp_path):
        put(tmp_path / "folder", "new")
        put(tmp_path / ".folder.old", "old")
        assert atomic.present(tmp_path / "folder") == tmp_path / "folder"

    def test_is_the_folder_aside_where_nothing_is(self, tmp_path):
        put(tmp_path / ".folder.old", "old")
        assert seen(tmp_path / "folder") == {"old"}

    def test_looks_again_for_the_new_one_may_have_come_meanwhile(self, tmp_path, monkeypatch):
        """The old one is aside at the first look, and gone at the second: the new one is there."""
        looks = iter([False, False, True])
        monkeypatch.setattr(Path, "exists", lambda path: next(looks))
        assert atomic.present(tmp_path / "folder") == tmp_path / "folder"
        assert list(looks) == []

    def test_is_the_place_itself_where_neither_is(self, tmp_path):
        assert atomic.present(tmp_path / "folder") == tmp_path / "folder"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class TestFullDisk:
    def test_of_a_file(self, small_disk):
        (small_disk / "a.bin").write_bytes(b"old")
        with (
            pytest.raises(OSError, match="No space left"),
            atomic.new_file(small_disk / "a.bin") as file,
        ):
            file.write(bytes(2**20))
        assert (small_disk / "a.bin").read_bytes() == b"old"
        assert [p.name for p in small_disk.iterdir()] == ["a.bin"]

    def test_of_a_folder(self, small_disk):
        put(small_disk / "folder", "old")
        with (
            pytest.raises(OSError, match="No space left"),
            atomic.new_folder(small_disk / "folder", replace=True) as folder,
        ):
            (folder / "one.txt").write_bytes(bytes(2**20))
        assert seen(small_disk / "folder") == {"old"}
        assert leftovers(small_disk / "folder") == []

    def test_that_shows_only_when_synced(self, tmp_path, monkeypatch):
        put(tmp_path / "folder", "old")

        def full(descriptor):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            put(tmp_path / "folder", "new", replace=True)
        with pytest.raises(OSError, match="No space left"), atomic.new_file(tmp_path / "a"):
            pass
        assert seen(tmp_path / "folder") == {"old"}
        assert [p.name for p in tmp_path.iterdir()] == ["folder"]
