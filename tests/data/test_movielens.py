"""MovieLens' later sets: by name from a server, as an archive, as a folder, with side tables."""

import dataclasses
import hashlib
import io
import zipfile

import pytest

import penchant
from penchant.data.fetch.datasets import NAMED_SETS
from penchant.errors import ChecksumError, DataError

LATER = ["ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m", "ml-latest-small"]
TITLES = {
    3: 'Grumpier, "Very" Old (1995)',
    50: "Été meurtrier, L' (1983)",
    60069: "Serial: Part 2 (2006–2008)",
    70000: "Untitled",
}
YEARS = {3: 1995, 50: 1983, 60069: 2006, 70000: None}


@pytest.fixture(params=LATER)
def name(request):
    return request.param


@pytest.fixture
def folder(tmp_path, later, pack):
    """Unpack one of the later sets as a person would."""

    def make(name):
        with zipfile.ZipFile(io.BytesIO(pack(later(name)))) as packed:
            packed.extractall(tmp_path)
        return tmp_path / ("ml-10M100K" if name == "ml-10m" else name)

    return make


@pytest.fixture
def online(later, pack, serve, monkeypatch):
    """Let a set's host be a local server with a small archive of the same layout."""

    def make(name):
        archive = pack(later(name))
        server = serve(archive)
        known = NAMED_SETS[name]
        md5 = known.md5 and hashlib.md5(archive).hexdigest()
        url = f"http://127.0.0.1:{server.port}/{name}.zip"
        monkeypatch.setitem(NAMED_SETS, name, dataclasses.replace(known, url=url, md5=md5))
        return server

    return make


def by_id(ratings, column):
    values = ratings.item_table[column].to_pylist()[1:]
    return dict(zip(ratings.item_ids.array.to_pylist(), values, strict=True))


def require_right(ratings, name):
    rows = list(zip(ratings.users, ratings.items, ratings.values.tolist(), strict=True))
    whole = name == "ml-1m"
    expected = [(7, 50, 4.5), (7, 3, 0.5), (900, 60069, 3.5), (900, 50, 2), (12, 50, 4)]
    assert sorted(rows) == sorted((u, i, int(r + 0.5) if whole else r) for u, i, r in expected)
    assert ratings.timestamps[rows.index((12, 50, 4.0))] == 1094785741
    titles = {i: t.replace("–", "-") if whole else t for i, t in TITLES.items()}
    assert by_id(ratings, "title") == titles
    assert by_id(ratings, "year") == YEARS
    genres = by_id(ratings, "genres")
    assert genres[3] == ["Comedy", "Romance"]
    assert genres[60069] == (["Drama"] if whole else None)
    if whole:
        assert "tags" not in ratings.item_table.column_names
        assert ratings.user_table.slice(1).to_pylist() == [
            {"age": 1, "sex": "F", "occupation": "K-12 student", "zip_code": "48067"},
            {"age": 56, "sex": "M", "occupation": "self-employed", "zip_code": "70072-1234"},
            {"age": 25, "sex": "M", "occupation": "other", "zip_code": "00231"},
            {"age": 45, "sex": "F", "occupation": "writer", "zip_code": "02460"},
        ]
    else:
        tags = {50: ["french", "summer"], 60069: ["long, very"], 3: None, 70000: None}
        assert by_id(ratings, "tags") == tags
        assert ratings.user_table is None


def test_by_name(name, online, tmp_path, capsys):
    server = online(name)
    ratings = penchant.load(name, cache=tmp_path)
    told = capsys.readouterr().err
    assert "GroupLens" in told
    assert "10.1145/2827872" in told
    require_right(ratings, name)
    low = 1 if name == "ml-1m" else 0.5
    assert (ratings.name, str(ratings.scale)) == (name, f"{low} to 5")
    md5 = hashlib.md5(server.answer).hexdigest()
    checked = (
        f"this set changes with time, so no checksum is published; MD5 {md5}"
        if name == "ml-latest-small"
        else "checksum verified"
    )
    assert ratings.notices[0].endswith(f"; {checked}; scale {low} to 5.")
    assert [path.name for path in tmp_path.iterdir()] == [name]  # no archive, nothing half done
    server.stop()
    again = penchant.load(name, cache=tmp_path)
    assert "GroupLens belongs" not in capsys.readouterr().err
    assert again.fingerprint() == ratings.fingerprint()
    assert again.item_table.equals(ratings.item_table)


def test_as_an_archive_and_as_a_folder(name, later, pack, folder, tmp_path):
    path = tmp_path / f"{name}.zip"
    path.write_bytes(pack(later(name)))
    archive = penchant.load(path, quiet=True)
    require_right(archive, name)
    unpacked = penchant.load(folder(name), quiet=True)
    require_right(unpacked, name)
    assert archive.fingerprint() == unpacked.fingerprint()
    if name != "ml-latest-small":
        assert "its MD5 is not that of the archive which https://files" in archive.notices[0]
    assert path.exists()


def test_the_archive_of_that_name_is_compared_with_the_published_one(
    later, pack, tmp_path, monkeypatch
):
    path = tmp_path / "ml-1m.zip"
    path.write_bytes(pack(later("ml-1m")))
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    known = dataclasses.replace(NAMED_SETS["ml-1m"], md5=md5)
    monkeypatch.setitem(NAMED_SETS, "ml-1m", known)
    ratings = penchant.load(path, quiet=True)
    assert ratings.notices[0].endswith("ml-1m.zip: its MD5 is the published one.")


def test_another_edition_in_the_cache_is_fetched_again(online, later, pack, tmp_path, capsys):
    server = online("ml-25m")
    penchant.load("ml-25m", cache=tmp_path, quiet=True)
    files = later("ml-25m")
    files["ml-25m/tags.csv"] += b"7,3,old,9\n"
    server.stop()
    online("ml-25m")
    manifest = tmp_path / "ml-25m" / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace(hashlib.md5(server.answer).hexdigest(), "0" * 32))
    penchant.load("ml-25m", cache=tmp_path)
    assert "manifest.json is of another edition). Fetching it again" in capsys.readouterr().err


def test_wrong_bytes_are_refused_and_not_kept(name, online, tmp_path):
    """Where no checksum is published, the archive's own are looked at, also of unused files."""
    server = online(name)
    wrong = bytearray(server.answer)
    with zipfile.ZipFile(io.BytesIO(server.answer)) as packed:
        last = packed.infolist()[-1]
    wrong[last.header_offset + 30 + len(last.filename) + 4] ^= 1
    server.answer = bytes(wrong)
    kind = penchant.PenchantError if name == "ml-latest-small" else ChecksumError
    message = "cannot be unpacked|is refused" if name == "ml-latest-small" else "its MD5 is"
    with pytest.raises(kind, match=message):
        penchant.load(name, cache=tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("ml-1m", "users.dat", b"1::F::1::99::0\n", r"an occupation is none of 0 to 20"),
        ("ml-1m", "users.dat", b"1::F::1::baker::0\n", r"an occupation is no whole number"),
        ("ml-1m", "users.dat", b"1::F::young::1::0\n", r"users\.dat: an age is no whole number"),
        ("ml-1m", "users.dat", b"1::F::1\n", r"users\.dat has 3 columns instead of 5"),
        ("ml-1m", "movies.dat", b"1::Alien\n2::Ran\n", r"movies\.dat has 2 columns instead of 3"),
        ("ml-10m", "tags.dat", b"1::2::3\n", r"tags\.dat has 3 columns instead of 4"),
        ("ml-32m", "tags.csv", b"a,b,c\n1,2,x\n", r"tags\.csv has 3 columns instead of 4"),
    ],
)
def test_side_tables_of_another_form_are_refused(name, file, content, message, folder):
    place = folder(name)
    (place / file).write_bytes(content)
    with pytest.raises(DataError, match=message):
        penchant.load(place, quiet=True)


def test_a_folder_without_tags_or_films(folder):
    place = folder("ml-20m")
    (place / "tags.csv").unlink()
    assert penchant.load(place, quiet=True).item_table.column_names == ["title", "year", "genres"]
    place = folder("ml-1m")
    (place / "movies.dat").unlink()
    ratings = penchant.load(place, quiet=True)
    assert ratings.item_table is None
    assert ratings.user_table is not None


def test_films_of_another_form_beside_ratings(folder):
    """The names of the files alone make no MovieLens folder: the header is looked at."""
    place = folder("ml-20m")
    (place / "movies.csv").write_text("movieId,title,director\n3,Ran,Someone\n")
    ratings = penchant.load(place, quiet=True)
    assert len(ratings) == 5
    assert ratings.item_table is None


@pytest.mark.parametrize("name", ["BX-Book-Ratings.csv", "rating.CSV", "user_ratings.csv"])
def test_the_one_file_called_ratings_among_others(tmp_path, name):
    (tmp_path / name).write_text("user,item,rating\n1,2,3\n4,5,1\n")
    (tmp_path / "Books.csv").write_text("isbn;title\n1;Ran\n")
    (tmp_path / "README.txt").write_text("read me")
    assert len(penchant.load(tmp_path, quiet=True)) == 2
    (tmp_path / "other-ratings.csv").write_text("1\n")
    with pytest.raises(penchant.PenchantError):
        penchant.load(tmp_path, quiet=True)


def test_only_the_tags_that_most_gave_are_kept(folder):
    place = folder("ml-20m")
    rows = [(user, 50, f"tag {tag:02}", 1) for tag in range(30) for user in range(1 + tag)]
    lines = "".join(f"{u},{i},{t},{s}\n" for u, i, t, s in rows)
    (place / "tags.csv").write_text("userId,movieId,tag,timestamp\n" + lines)
    tags = by_id(penchant.load(place, quiet=True), "tags")
    assert tags[50] == [f"tag {tag:02}" for tag in range(29, 9, -1)]


def test_the_facts_of_the_sets():
    assert list(NAMED_SETS) == ["ml-100k", "ml-latest-small", *LATER[:-1]]
    for name, named in NAMED_SETS.items():
        assert named.url == f"https://files.grouplens.org/datasets/movielens/{name}.zip"
        assert (named.md5 is None) == (name == "ml-latest-small")
        assert named.max_bytes > named.megabytes * 1e6 * 3
    assert len({named.md5 for named in NAMED_SETS.values()}) == len(NAMED_SETS)
