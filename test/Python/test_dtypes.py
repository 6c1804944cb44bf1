"""Every element type of Model.h goes into a library and comes out again unchanged."""

import pathlib
import shutil
import subprocess

import ml_dtypes
import mopt
import numpy as np
import pytest
from mopt import _dtypes

HERE = pathlib.Path(__file__).resolve().parent


def identity(folder, number):
    compiler = next(filter(None, map(shutil.which, ("clang-22", "clang", "cc"))))
    path = folder / f"identity{number}.so"
    subprocess.run([compiler, "-shared", "-fPIC", f"-DTEST_DTYPE={number}",
                    f"-DTEST_BITS={_dtypes._TABLE[number][2]}", "-I", HERE.parents[1] / "include",
                    "-o", path, HERE / "fixture_identity.c"], check=True)
    return mopt.InferenceSession(str(path))


def values(number, rows):
    dtype = _dtypes.numpy_type(number)
    if number == _dtypes.STRING:
        return np.array([f"text {i} \u00e9" for i in range(3 * rows)], object).reshape(rows, 3)
    if dtype.kind == "c":
        return (np.arange(3 * rows) * (1 - 2j)).astype(dtype).reshape(rows, 3)
    if dtype == bool:
        return (np.arange(3 * rows) % 2 == 0).reshape(rows, 3)
    # Signs where the type has them, and nothing that it cannot hold.
    small = np.array([0, 1, -1, 0.5, -2, 1.5])
    if np.dtype(dtype).kind in "iu" or "int" in dtype.name:
        small = np.array([0, 1, -1, 1, -2, 0]) if not dtype.name.startswith("u") else np.array(
            [0, 1, 2, 3, 1, 2])
    if dtype.name == "float8_e8m0fnu":
        small = np.array([1, 2, 4, 0.5, 8, 0.25])
    return np.resize(small, 3 * rows).astype(np.float32).astype(dtype).reshape(rows, 3)


@pytest.mark.parametrize("number", sorted(_dtypes._TABLE))
def test_round_trip(number, tmp_path):
    session = identity(tmp_path, number)
    assert session.get_inputs()[0].type == f"tensor({_dtypes.name(number)})"
    for rows in (0, 1, 5):
        array = values(number, rows)
        result, = session.run(None, {"x": array})
        assert result.dtype == array.dtype and result.shape == array.shape
        if array.dtype == object:
            assert result.tolist() == array.tolist()
        elif _dtypes.is_packed(number):
            # The bits of a byte that a small element leaves over mean nothing.
            assert result.astype(np.float32).tolist() == array.astype(np.float32).tolist()
        else:
            assert result.tobytes() == array.tobytes()
    if number != _dtypes.STRING and not _dtypes.is_packed(number):
        turned = values(number, 6)[::2]
        assert session.run(None, {"x": turned})[0].tobytes() == turned.tobytes()


def test_packing_is_from_the_low_bits_on():
    array = np.array([1, -1, 3], np.int8).astype(ml_dtypes.int4)
    packed = _dtypes.pack(array, 22)
    assert packed.tolist() == [0xF1, 0x03]
    assert _dtypes.unpack(packed, 22, (3,)).astype(int).tolist() == [1, -1, 3]
    packed = _dtypes.pack(np.array([1, 2, 3, 0, 2], np.uint8).astype(ml_dtypes.uint2), 25)
    assert packed.tolist() == [0b00111001, 0b10]


def test_lists_and_numbers_take_the_models_type(tmp_path):
    session = identity(tmp_path, 1)
    assert session.run(None, {"x": [[1, 2, 3]]})[0].tolist() == [[1.0, 2.0, 3.0]]
    with pytest.raises(mopt.RunError, match="unexpected input"):
        session.run(None, {"x": [1, 2, 3]})
