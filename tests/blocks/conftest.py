import subprocess

import pytest

import penchant as pc


@pytest.fixture(scope="session")
def films():
    """3,000 ratings with side tables and times."""
    return pc.synthetic(n_users=400, n_items=90, n_ratings=3000, factors=2, seed=1)


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of a given size; it can be made larger."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size, more=""):
        kind = ["mount", "-t", "tmpfs", "-o", f"{more}size={size}", "tmpfs", str(place)]
        try:
            subprocess.run(kind, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user may not mount a file system")
        return place

    yield mount
    subprocess.run(["umount", str(place)], check=False, capture_output=True)
