"""Folders with MovieLens 100K's files or RecBole's."""

import io
import zipfile

import pytest

import penchant
from penchant.errors import DataError


@pytest.fixture
def movielens(tmp_path, tiny, archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(tmp_path)
    return tmp_path / "tiny"


def test_a_movielens_folder(movielens, tiny, tmp_path):
    ratings = penchant.load(movielens, quiet=True)
    named = penchant.load("tiny", cache=tmp_path / "cache", quiet=True)
    assert ratings.fingerprint() == named.fingerprint()
    assert ratings.item_table.equals(named.item_table)
    assert ratings.notices[0].startswith("u.data: separated by tabs, no header; user = column 0")
    assert str(ratings.scale) == "1 to 5"


def test_a_folder_without_side_tables(movielens):
    (movielens / "u.item").unlink()
    (movielens / "u.user").unlink()
    ratings = penchant.load(movielens, quiet=True)
    assert ratings.item_table is ratings.user_table is None
    assert len(ratings) == 5


def test_files_of_another_form_are_refused(movielens):
    (movielens / "u.user").write_text("1|24|M\n")
    with pytest.raises(DataError, match=r"u\.user has 3 columns instead of 5: it is not the file"):
        penchant.load(movielens, quiet=True)
    (movielens / "u.user").write_text("1|young|M|artist|00000\n")
    with pytest.raises(DataError, match=r"u\.user: an age is no whole number: .*'young'"):
        penchant.load(movielens, quiet=True)


def test_recboles_types(tmp_path):
    (tmp_path / "a.inter").write_text(
        "user_id:token\titem_id:token\trating:float\nu1\t1\t3\nu2\t2\t4.5\n"
    )
    (tmp_path / "a.item").write_text(
        "item_id:token\tname:token_seq\tprice:float\tsize:float_seq\tcode:token\n"
        "1\tA quiet place\t1.5\t1 2.5\t007\n2\t괴물\t2\t3\t008\n3\tRan\t\t\t\n"
    )
    ratings = penchant.load(tmp_path, quiet=True)
    assert ratings.item_ids.array.to_pylist() == [1, 2, 3]
    assert ratings.item_table.slice(1).to_pylist() == [
        {"name": ["A", "quiet", "place"], "price": 1.5, "size": [1.0, 2.5], "code": "007"},
        {"name": ["괴물"], "price": 2.0, "size": [3.0], "code": "008"},
        {"name": ["Ran"], "price": None, "size": None, "code": None},
    ]
    assert ratings.user_table is None
