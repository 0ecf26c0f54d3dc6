"""A file on this machine or at a URL."""

import sys

import pytest

from penchant.errors import MissingExtraError, SourceError
from penchant.solvers.place import Place


@pytest.mark.parametrize("where", ["folder", "url"])
def test_what_is_written_is_read_and_replaced(tmp_path, where):
    folder = tmp_path / "new" if where == "folder" else f"memory://place-{tmp_path.name}/new"
    place = Place(folder, "state")
    assert not place.exists()
    for content in (b"first", b"second"):
        place.write(content)
        assert place.exists()
        with place.local() as path:
            assert path.read_bytes() == content
    assert str(place).endswith("new/state")


def test_a_file_at_a_url_that_cannot_be_fetched():
    with pytest.raises(SourceError, match="can't be read"), Place("memory://no/such", "x").local():
        pass


def test_a_url_that_nobody_knows():
    with pytest.raises(SourceError, match="can't be reached: Protocol not known: gopher"):
        Place("gopher://hole", "x")


def test_fsspec_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[ray\]'"):
        Place("s3://bucket", "x")
