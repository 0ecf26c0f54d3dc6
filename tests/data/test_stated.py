"""Files of columns that decode to far more than they have are refused before they are decoded."""

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import penchant as pc
from penchant.data import stated
from penchant.errors import SourceError


def written(path, table, compression="zstd"):
    """A table in a file of the kind that the path's name says."""
    options = pa.ipc.IpcWriteOptions(compression=compression)
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression=compression)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path, compression=compression)
    else:
        new = pa.ipc.new_stream if "stream" in path.name else pa.ipc.new_file
        with new(path, table.schema, options=options) as writer:
            writer.write_table(table)
    return path


KINDS = ["ratings.parquet", "ratings.arrow", "stream.arrow", "ratings.feather"]


@pytest.mark.parametrize("name", KINDS)
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, name):
    """818 kB took 5 GB and 40 s."""
    zeros = np.zeros(4_000_000, np.int64)
    table = pa.table({"user": zeros, "item": zeros, "rating": zeros})
    path = written(tmp_path / name, table)
    del table, zeros
    before = pa.total_allocated_bytes()
    with pytest.raises(SourceError, match=r"bytes decode to [\d,]{10,}, more than 100 times that"):
        pc.load(path)
    assert pa.total_allocated_bytes() - before < 2**20


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_what_compresses_as_ratings_do_is_read(tmp_path, name, compression, monkeypatch):
    monkeypatch.setattr(stated, "_ALWAYS", 0)
    rng = np.random.default_rng(0)
    users, items = (
        np.repeat(np.arange(200), 20),
        rng.permuted(np.tile(np.arange(40), (200, 1)), axis=1),
    )
    columns = {"user": users, "item": items[:, :20].ravel(), "rating": rng.integers(1, 6, 4_000)}
    table = pa.table({**columns, "title": pa.array(map(str, columns["item"])).dictionary_encode()})
    assert len(pc.load(written(tmp_path / name, table, compression))) == 4_000


def test_a_buffer_states_what_it_unpacks_to(tmp_path):
    table = pa.table({"a": np.zeros(100_000, np.int64), "b": np.zeros(100_000, np.int32)})
    path = written(tmp_path / "stream.arrow", table)
    with pa.memory_map(str(path)) as source:
        assert 1_200_000 <= stated.arrow_bytes(source) <= 1_200_200
    plain = written(tmp_path / "stream.arrow", table, None)
    with pa.memory_map(str(plain)) as source:
        assert stated.arrow_bytes(source) == 0  # all of it stands in the file
