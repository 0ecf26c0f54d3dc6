from __future__ import annotations

import json
import os
import threading

import numpy as np
import pyarrow as pa
import pytest

from penchant.errors import BundleError
from penchant.storage import bundle
from penchant.storage.bundle import reader


def refused(folder, message: str, **options) -> None:
    """Read all of a bundle and see it refused."""
    with pytest.raises(BundleError, match=message):
        everything(bundle.read(folder, **options))


def everything(made: bundle.Bundle) -> bundle.Bundle:
    """Ask for what is read lazily too."""
    made.ratings  # noqa: B018
    made.posterior  # noqa: B018
    return made


def files(card: dict, name: str) -> dict:
    return card["files"][name]


class TestFolder:
    def test_nothing_there(self, tmp_path):
        refused(tmp_path / "films", "a bundle is a folder, and there is nothing there")

    def test_a_file(self, tmp_path):
        (tmp_path / "films").write_text("")
        refused(tmp_path / "films", "a bundle is a folder, and there is a file there")

    def test_an_empty_folder(self, tmp_path):
        refused(tmp_path, r"is no bundle: it has no card\.json\. Check the path")

    @pytest.mark.parametrize("name", ["weights.safetensors", "users.arrow", "ratings.parquet"])
    def test_a_missing_file(self, saved, name):
        (saved / name).unlink()
        refused(saved, f"films.penchant cannot be used: {name} is missing")

    @pytest.mark.parametrize("name", ["model.pkl", "code.py", ".hidden"])
    def test_another_file(self, saved, name):
        (saved / name).write_bytes(b"")
        refused(saved, f"it holds '{name}', which is no file of a bundle")

    @pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
    def test_what_a_file_manager_leaves_is_not_looked_at(self, saved, sample, differ, name):
        (saved / name).symlink_to("/dev/zero")
        assert differ(bundle.read(saved), sample) == []

    def test_a_known_file_that_is_not_listed(self, saved, forge):
        forge.card(lambda card: card["files"].pop("ratings.parquet"))
        refused(saved, r"it holds ratings\.parquet, which its card does not list")

    @pytest.mark.parametrize("name", ["card.json", "weights.safetensors", "ratings.parquet"])
    def test_a_link(self, saved, tmp_path, name):
        (saved / name).rename(tmp_path / name)
        (saved / name).symlink_to(tmp_path / name)
        refused(saved, f"{name} .*a link or")

    def test_a_folder_in_place_of_a_file(self, saved):
        (saved / "users.arrow").unlink()
        (saved / "users.arrow").mkdir()
        refused(saved, r"users\.arrow is a link or a folder where a plain file belongs")

    def test_a_pipe_does_not_hang(self, saved):
        (saved / "card.json").unlink()
        os.mkfifo(saved / "card.json")
        refused(saved, r"card\.json cannot be used: it is a link or no plain file")

    def test_the_bundle_itself_may_be_a_link(self, saved, tmp_path, sample, differ):
        (tmp_path / "latest").symlink_to(saved.name)
        assert differ(bundle.read(tmp_path / "latest"), sample) == []

    def test_larger_than_allowed(self, saved):
        refused(saved, "bytes; at most 1,000 are accepted", max_bytes=1000)

    def test_larger_than_anything(self, saved, forge):
        forge.card(lambda card: files(card, "weights.safetensors").update(bytes=2**50))
        refused(saved, "bytes; at most 34,359,738,368 are accepted")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
    def test_no_permission(self, saved):
        (saved / "users.arrow").chmod(0)
        refused(saved, "Permission denied")

    def test_a_broken_off_replacement_is_read_from_aside(self, saved, sample, differ):
        saved.rename(saved.with_name(f".{saved.name}.old"))
        assert differ(bundle.read(saved), sample) == []


class TestCard:
    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"", "no strict JSON"),
            (b"\xff\xfe", "no strict JSON: 'utf-8' codec"),
            (b"[1]", "it is no JSON object"),
            (b"[" * 100_000, "no strict JSON"),
            (b'{"format": NaN}', "no strict JSON: NaN is no number"),
            (b'{"format": 1e999}', "no strict JSON"),
            (b'{"format": "\\ud800"}', "no strict JSON"),
            (b'{"format": 1, "format": 2}', "a name stands twice in one object"),
            (b"{}", "it names no format of a bundle, but 'None'"),
            (b'{"format": true}', "it names no format of a bundle, but 'True'"),
            (b'{"format": 0}', "it names no format of a bundle, but '0'"),
            (b'{"format": 1}', r"it was changed after it was written \(its SHA-256"),
            (b'{"format": 1, "sha256": 5}', "it was changed after it was written"),
            (b'{"format": 1, "sha256": ""}', "it was changed after it was written"),
            (b" " * (2**24 + 1), "it has 16,777,217 bytes where at most 16,777,216 are expected"),
        ],
    )
    def test_bytes_that_are_no_card(self, saved, raw, message):
        (saved / "card.json").write_bytes(raw)
        refused(saved, rf"card\.json cannot be used: .*{message}")

    def test_a_newer_format_says_to_upgrade(self, saved, forge):
        forge.card(lambda card: card.update(format=3, written_by="penchant 9.0"))
        (saved / "something.new").write_bytes(b"")
        refused(
            saved,
            "has format 3, written by 'penchant 9.0'; this version of Penchant reads formats up "
            r"to 2\. Upgrade Penchant: pip install --upgrade penchant",
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda c: c.pop("kind"), "it names no kind of recommender"),
            (lambda c: c.update(kind=3), "it names no kind of recommender"),
            (lambda c: c.update(files=[]), "it lists no files"),
            (lambda c: c["files"].pop("users.arrow"), r"it does not list users\.arrow"),
            (lambda c: c["files"].update({"../x": {}}), r"it lists '\.\./x', which is no file"),
            (lambda c: c["files"].update({"/etc/passwd": {}}), "which is no file of a bundle"),
            (lambda c: c["files"].update({"users.arrow": 1}), r"users\.arrow is no size with"),
            (lambda c: files(c, "users.arrow").update(bytes=-1), "is no size with arrays or rows"),
            (lambda c: files(c, "users.arrow").update(bytes=1.0), "is no size with arrays or rows"),
            (lambda c: files(c, "users.arrow").update(rows=True), "is no size with arrays or rows"),
            (lambda c: files(c, "users.arrow").update(rows=2**63), "is no size with arrays"),
            (lambda c: files(c, "users.arrow").update(sha256="0"), "holds no SHA-256"),
            (lambda c: files(c, "weights.safetensors").pop("arrays"), "is no size with arrays"),
            (lambda c: files(c, "users.arrow").update(bytes=9), r"698 bytes where the card says 9"),
            (lambda c: files(c, "users.arrow").update(rows=9), "8 rows where the card says 9"),
            (lambda c: files(c, "users.arrow").update(sha256="f" * 64), "changed after it was"),
            (
                lambda c: c.update(deep=json.loads("[" * 40 + "]" * 40)),
                "nested deeper than 32 levels",
            ),
        ],
    )
    def test_entries_that_make_no_sense(self, saved, forge, change, message):
        forge.card(change)
        refused(saved, message)

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_numbers_that_are_none(self, saved, forge, text):
        forge.text("0.875", text)
        refused(saved, "no strict JSON")


class TestArrays:
    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ({"dtype": "object", "shape": [8]}, "user_bias is of type object; known are float16"),
            ({"dtype": ["x"], "shape": [8]}, "user_bias is of type "),
            (3, "user_bias is of type None"),
            ({"dtype": "float32", "shape": 8}, "user_bias has no shape of at most 8 dimensions"),
            ({"dtype": "float32", "shape": [-8]}, "user_bias has no shape of at most"),
            ({"dtype": "float32", "shape": [8.0]}, "user_bias has no shape of at most"),
            ({"dtype": "float32", "shape": [1] * 9}, "user_bias has no shape of at most"),
            ({"dtype": "float32", "shape": [2**40, 2**40]}, "shapes and types in the card make"),
            ({"dtype": "float32", "shape": [9]}, "its header is of another length"),
            ({"dtype": "float64", "shape": [4]}, r"user_bias is F32 of shape \[8\], the card says"),
            ({"dtype": "int32", "shape": [8]}, r"user_bias is F32 of shape \[8\], the card says"),
            ({"dtype": "float32", "shape": [4, 2]}, r"user_bias is F32 of shape \[8\]"),
        ],
    )
    def test_a_card_that_says_otherwise(self, saved, forge, said, message):
        forge.card(lambda c: files(c, "weights.safetensors")["arrays"].update(user_bias=said))
        refused(saved, rf"weights\.safetensors cannot be used: {message}")

    def test_too_many(self, saved, forge):
        many = {str(j): {"dtype": "float32", "shape": [0]} for j in range(1025)}
        forge.card(lambda c: files(c, "weights.safetensors").update(arrays=many))
        refused(saved, "there are 1,025 arrays, more than 1,024")

    @pytest.mark.parametrize("name", ["", "x" * 257, "__metadata__"])
    def test_names(self, saved, forge, name):
        said = {"dtype": "float32", "shape": [0]}
        forge.card(lambda c: files(c, "weights.safetensors")["arrays"].update({name: said}))
        refused(saved, "is no name of an array")

    def test_other_names_in_the_file(self, saved, forge, sample):
        arrays = dict(sample.weights)
        arrays["mead"] = arrays.pop("mean")
        forge.arrays("weights.safetensors", arrays, tell=False)
        refused(saved, "it holds other arrays than the card says")

    @pytest.mark.parametrize("header", [0, 2**20 + 1, 2**62, 2**64 - 1])
    def test_header_lengths(self, saved, forge, header):
        forge.bytes("weights.safetensors", lambda raw: header.to_bytes(8, "little") + raw[8:])
        refused(saved, "its header is of another length than shapes and types in the card leave")

    def test_a_header_that_is_no_json(self, saved, forge):
        forge.bytes("weights.safetensors", lambda raw: raw[:8] + b"?" + raw[9:])
        refused(saved, r"weights\.safetensors cannot be used: Error while deserializing")

    def test_a_header_that_is_larger_than_allowed(self, saved, forge):
        def padded(raw: bytes) -> bytes:
            length = int.from_bytes(raw[:8], "little")
            text = raw[8 : 8 + length] + b" " * 2**21
            return len(text).to_bytes(8, "little") + text + raw[8 + length :]

        forge.bytes("weights.safetensors", padded)
        refused(saved, "shapes and types in the card make 232 bytes, its file has 2,")

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("name", ["weights", "posterior"])
    def test_numbers_that_are_not_finite(self, saved, forge, sample, name, value):
        arrays = {n: array.copy() for n, array in getattr(sample, name).items()}
        arrays["item_factors"].flat[-1] = value
        forge.arrays(f"{name}.safetensors", arrays)
        refused(saved, "item_factors holds numbers that are not finite")

    @pytest.mark.parametrize("name", ["user_bias", "user_factors", "item_bias", "item_factors"])
    def test_lengths_that_do_not_match_the_ids(self, saved, forge, sample, name):
        forge.arrays("weights.safetensors", sample.weights | {name: sample.weights[name][1:]})
        refused(saved, f"{name} is of shape .*, but there are . rows of ids")


def ids(values, kind=None) -> pa.Table:
    return pa.table({"id": pa.array(values, kind or pa.int64())})


def messages(table: pa.Table, **options) -> list[pa.Message]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as file:
        file.write_table(table)
    return list(pa.ipc.MessageReader.open_stream(sink.getvalue()))


class TestTables:
    @pytest.mark.parametrize(
        ("table", "message"),
        [
            (ids([None, 1, 2, 3, 4, 5, 6, 6]), "1 of 7 user ids repeat"),
            (ids([None, 1, 2, 3, None, 5, 6, 7]), "ids are missing; only row 0"),
            (ids([0, 1, 2, 3, 4, 5, 6, 7]), "ids are missing; only row 0"),
            (ids([1, None, 2, 3, 4, 5, 6, 7]), "ids are missing; only row 0"),
            (ids([]), "it has 0 rows where the card says 0"),
            (ids([None, 1]), r"user_bias is of shape \(8,\), but there are 2 rows of ids"),
            (ids([None, 1.5], pa.float64()), "its ids are of type double; int64 or text"),
            (ids([None, 1], pa.int32()), "its ids are of type int32"),
            (ids([None, b"a"], pa.binary()), "its ids are of type binary"),
            (pa.table({}), "it has 0 columns; 1 to 1,024 are allowed"),
            (pa.table({"id": [None, 1], "x": [None, b"a"]}), "column 'x' is of type binary"),
            (pa.table({"id": [None, 1], "x": [None, {"a": 1}]}), "column 'x' is of type struct"),
            (pa.table({"id": [None, 1], "x": [None, [[1]]]}), "column 'x' is of type list<"),
            (pa.table({"id": [None, 1], "x" * 257: [1, 2]}), "column 'xxx"),
            (
                pa.table({"id": [None, 1], "x": pa.array([None, 2**60], pa.timestamp("s"))}),
                r"users\.arrow cannot be used",
            ),
        ],
    )
    def test_that_break_a_rule(self, saved, forge, table, message):
        forge.table("users.arrow", table)
        refused(saved, message)

    def test_an_extension_type(self, saved, forge):
        column = pa.array(["{}", None]).cast(pa.string())
        table = pa.table({"id": [None, 1], "x": pa.ExtensionArray.from_storage(pa.json_(), column)})
        forge.table("users.arrow", table)
        refused(saved, "column 'x' is of type extension<arrow.json>")

    @pytest.mark.parametrize("compression", ["lz4", "zstd"])
    def test_compressed_columns_are_not_unfolded(self, saved, forge, compression):
        """A few bytes could unfold to any size."""
        table = pa.table({"id": [None, *range(7)], "x": ["a" * 1000] * 8})
        forge.table("users.arrow", table, compression=compression)
        refused(saved, "its columns are compressed")

    def test_a_compressed_dictionary_is_not_unfolded(self, saved, forge):
        """Plain columns, and only the words that they name are compressed."""
        words = pa.array(["a" * 5000] * 8).dictionary_encode()
        table = pa.table({"id": [None, *range(7)], "x": words})
        plain, packed = messages(table), messages(table, compression="zstd")
        assert [m.type for m in plain] == ["schema", "dictionary", "record batch"]
        mixed = b"".join(m.serialize().to_pybytes() for m in (plain[0], packed[1], plain[2]))
        forge.bytes("users.arrow", lambda raw: raw[:8] + mixed + b"\xff\xff\xff\xff" + bytes(4))
        refused(saved, "its columns are compressed")

    def test_no_arrow_at_all(self, saved, forge):
        forge.bytes("users.arrow", lambda raw: b"PAR1" + raw[4:])
        refused(saved, "it is no Arrow file")

    def test_text_that_is_none(self, saved, forge):
        forge.bytes(
            "items.arrow", lambda raw: raw.replace("Amélie".encode(), b"Am\xff\xff\xfflie"[:7])
        )
        refused(saved, r"items\.arrow cannot be used: .*[Uu][Tt][Ff]")


TYPES = (pa.int32(), pa.int32(), pa.float32(), pa.int64())


def ratings(users, items, values, *more, types=TYPES):
    names = ["user_row", "item_row", "rating", "timestamp"]
    columns = [users, items, values, *more]
    fields = [
        pa.field(n, t, nullable=False) for n, t, _ in zip(names, types, columns, strict=False)
    ]
    schema = pa.schema(fields)
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=schema
    )


class TestRatings:
    @pytest.mark.parametrize(
        ("table", "message"),
        [
            (ratings([0], [1], [1]), "user rows run from 1 to 7; found 0 … 0"),
            (ratings([8], [1], [1]), "user rows run from 1 to 7; found 8 … 8"),
            (ratings([1], [-1], [1]), "item rows run from 1 to 5; found -1 … -1"),
            (ratings([1], [2**31 - 1], [1]), "item rows run from 1 to 5; found 2147483647"),
            (ratings([1], [1], [float("nan")]), "ratings are not finite"),
            (ratings([1], [1], [float("inf")]), "ratings are not finite"),
            (ratings([1], [1], [1], types=[pa.int64()] * 3), "its columns are .*expected are"),
            (pa.table({"user_row": pa.array([1], pa.int32())}), "its columns are"),
            (pa.table({"x": [{"a": [1]}]}), "its columns are"),
        ],
    )
    def test_that_break_a_rule(self, saved, forge, table, message):
        forge.parquet(table)
        refused(saved, rf"ratings\.parquet cannot be used: {message}")

    def test_nullable_columns(self, saved, forge):
        forge.parquet(
            pa.table(dict.fromkeys(("user_row", "item_row"), pa.array([None], pa.int32())))
        )
        refused(saved, "its columns are")

    @pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip"])
    def test_compressed_columns_are_not_unfolded(self, saved, forge, compression):
        forge.parquet(ratings([1] * 9, [1] * 9, [1] * 9), compression=compression)
        refused(saved, "its columns are compressed")

    def test_rows_that_unfold_from_nothing(self, saved, forge):
        """A run of one value takes a few bytes for a million rows."""
        forge.parquet(ratings([1] * 10**6, [1] * 10**6, [1] * 10**6), use_dictionary=True)
        refused(saved, "1,000,000 rows are more than a file of .* bytes can hold")

    def test_another_count_than_told(self, saved, forge):
        forge.card(lambda c: files(c, "ratings.parquet").update(rows=19))
        refused(saved, "it has 20 rows where the card says 19")

    def test_a_huge_footer(self, saved, forge):
        forge.bytes("ratings.parquet", lambda raw: raw[:-8] + b"\xff\xff\xff\x7fPAR1")
        refused(saved, "its footer is larger than 16,777,216 bytes")

    def test_no_parquet_at_all(self, saved, forge):
        forge.bytes("ratings.parquet", lambda raw: raw[:-4] + b"PARE")
        refused(saved, r"ratings\.parquet cannot be used")


class TestLazily:
    @pytest.mark.parametrize("name", ["ratings.parquet", "posterior.safetensors"])
    def test_damage_is_found_when_the_file_is_asked_for(self, saved, sample, name):
        raw = (saved / name).read_bytes()
        (saved / name).write_bytes(raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:])
        made = bundle.read(saved)
        assert made.weights["user_bias"].tolist() == sample.weights["user_bias"].tolist()
        asked = name.split(".")[0]
        with pytest.raises(BundleError, match=f"{name} cannot be used: it was changed after"):
            getattr(made, asked)

    def test_what_was_read_is_kept(self, saved):
        made = bundle.read(saved)
        assert made.ratings is made.ratings
        assert made.posterior is made.posterior

    def test_a_bundle_that_was_saved_anew_since(self, saved, sample):
        made = bundle.read(saved)
        for name in ("ratings.parquet", "posterior.safetensors"):
            (saved / name).unlink()
        with pytest.raises(BundleError, match=r"if it was saved anew since .* open it again"):
            assert made.ratings

    def test_replaced_in_the_middle_the_new_one_is_read(self, saved, tmp_path, monkeypatch):
        """The old folder's files vanish between the card and the weights."""
        made = bundle.read(saved)
        names = ("card", "weights", "users", "items", "user_table", "item_table", "ratings")
        new = bundle.Contents(kind="new", **{name: getattr(made, name) for name in names})
        arrays = reader._arrays

        def late(*arguments):
            monkeypatch.setattr(reader, "_arrays", arrays)
            bundle.write(saved, new, overwrite=True)
            (saved / "weights.safetensors").touch()
            return arrays(saved.parent / "gone", *arguments[1:])

        monkeypatch.setattr(reader, "_arrays", late)
        assert bundle.read(saved).kind == "new"

    def test_a_reader_beside_a_writer_always_finds_a_whole_bundle(self, saved):
        made = bundle.read(saved)
        names = ("card", "weights", "users", "items", "user_table", "item_table", "ratings")
        kept = {name: getattr(made, name) for name in names}
        done = threading.Event()

        def replace():
            for number in range(30):
                bundle.write(saved, bundle.Contents(kind=str(number), **kept), overwrite=True)
            done.set()

        writer = threading.Thread(target=replace)
        writer.start()
        kinds = {made.kind}
        while not done.is_set():
            kinds.add(bundle.read(saved).kind)
        writer.join()
        assert bundle.read(saved).kind == "29"
        assert len(kinds) > 1


def test_a_lack_of_memory_is_told(saved, monkeypatch):
    def none(*arguments):
        raise MemoryError

    monkeypatch.setattr(reader.arrays, "read", none)
    refused(saved, r"weights\.safetensors cannot be used: there is not enough memory")
