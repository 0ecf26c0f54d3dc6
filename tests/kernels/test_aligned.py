import numpy as np
import pytest

from penchant.kernels.aligned import LINE, aligned_empty, aligned_times, aligned_zeros


@pytest.mark.parametrize("shape", [(1, 3), (7, 16), (2, 5, 8), (40_000, 32)])
def test_tables_begin_at_a_cache_line(shape):
    for table in (aligned_empty(*shape), aligned_zeros(*shape)):
        assert (table.ctypes.data % LINE, table.shape, table.dtype) == (0, shape, np.float32)
        assert table.flags.c_contiguous
    assert not table.any()


def test_rows_times_units():
    table, units = np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([2, 3])
    np.testing.assert_array_equal(aligned_times(table, units), table * units[:, None])
