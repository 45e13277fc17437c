"""The shapes, sums and centres of kernels."""

import gzip
import io
import math
import sys

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image
from scipy.integrate import quad

from imaging.errors import ImagingError
from imaging.physics import PSFS, make_psf

CONFIGS = {
    "digit": {"name": "digit"},
    "gaussian": {"name": "gaussian", "sigma": 1.5, "size": 7},
    "gaussian of even size": {"name": "gaussian", "sigma": 1.5, "size": 6},
    "gaussian of default size": {"name": "gaussian", "sigma": 0.8},
    "motion": {"name": "motion", "length": 9, "angle": 30},
    "short motion": {"name": "motion", "length": 1, "angle": 0},
    "disk": {"name": "disk", "radius": 3.0},
    "small disk": {"name": "disk", "radius": 0.1},
    "box": {"name": "box", "size": 5},
    "trajectory": {"name": "trajectory", "index": 2},
    "box of even size": {"name": "box", "size": 2},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_is_a_float32_distribution(config):
    psf = make_psf(config)
    assert psf.dtype == torch.float32
    assert psf.ndim == 2
    assert psf.min() >= 0
    assert psf.double().sum().item() == pytest.approx(1, abs=1e-6)


def test_every_psf_is_tested():
    assert {config["name"] for config in CONFIGS.values()} | {"image"} == set(PSFS.names())


def test_digit():
    psf = make_psf({"name": "digit"})
    assert psf.shape == (7, 7)
    expected = {
        (2, 2): 219, (2, 3): 253, (2, 4): 247, (3, 3): 190, (4, 4): 93,
        (5, 3): 221, (5, 4): 253, (6, 1): 136, (6, 2): 212,
    }  # fmt: skip
    assert {tuple(i) for i in psf.nonzero().tolist()} == set(expected)
    for index, value in expected.items():
        assert psf[index].item() == pytest.approx(value / 1824, rel=1e-6)


@pytest.mark.data
def test_digit_is_the_first_training_image_of_mnist(data_root):
    path = sorted((data_root / "MNIST" / "raw").glob("train-images-idx3-ubyte*"))[0]
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        first = np.frombuffer(file.read(16 + 784)[16:], np.uint8).reshape(28, 28)[::4, ::4]
    assert np.allclose(make_psf({"name": "digit"}), first / first.sum(), atol=1e-7)


@pytest.mark.parametrize("size", [6, 7])
def test_gaussian_peaks_at_its_centre_and_falls_as_the_formula(size):
    psf = make_psf({"name": "gaussian", "sigma": 1.5, "size": size})
    assert psf.shape == (size, size)
    peak = psf[size // 2, size // 2]
    assert psf.max() == peak
    assert (psf[size // 2 - 2, size // 2 + 1] / peak).item() == pytest.approx(
        math.exp(-5 / (2 * 1.5**2)), rel=1e-5
    )


def test_gaussian_reaches_three_sigma_by_default():
    assert make_psf({"name": "gaussian", "sigma": 1.5}).shape == (11, 11)


def test_horizontal_and_vertical_motion_are_a_row_and_a_column():
    ninth = torch.full((1, 9), 1 / 9)
    assert torch.allclose(make_psf({"name": "motion", "length": 9, "angle": 0}), ninth)
    assert torch.allclose(make_psf({"name": "motion", "length": 9, "angle": 90}), ninth.T)
    assert torch.allclose(make_psf({"name": "motion", "length": 9, "angle": 180}), ninth)


@pytest.mark.parametrize("angle", [0, 30, 45, 100, 170])
def test_motion_has_its_direction_its_length_and_no_shift(angle):
    length = 15
    psf = make_psf({"name": "motion", "length": length, "angle": angle}).double().numpy()
    kh, kw = psf.shape
    assert kh % 2 == kw % 2 == 1
    up, right = np.mgrid[kh // 2 : -(kh // 2) - 1 : -1, -(kw // 2) : kw // 2 + 1]
    assert (psf * up).sum() == pytest.approx(0, abs=1e-6)
    assert (psf * right).sum() == pytest.approx(0, abs=1e-6)
    moments = np.array([[(psf * a * b).sum() for a in (right, up)] for b in (right, up)])
    variances, axes = np.linalg.eigh(moments)
    along = axes[:, 1]
    assert np.degrees(np.arctan2(along[1], along[0])) % 180 == pytest.approx(angle, abs=1)
    assert variances[1] == pytest.approx(length**2 / 12, rel=0.06)  # of a uniform line
    assert variances[0] < 0.5  # no thicker than a pixel


@pytest.mark.parametrize("radius", [2.3, 3.0, 7.5])
def test_disk_is_round_and_has_the_moments_of_a_disk(radius):
    psf = make_psf({"name": "disk", "radius": radius}).double()
    assert torch.equal(psf, psf.T)
    assert torch.equal(psf, psf.flip(0))
    assert psf[0].sum() > 0  # no border of zeros
    line = torch.arange(len(psf)).double() - len(psf) // 2
    # Rounding to the nearest pixel adds a variance of about 1/12.
    assert (psf.sum(1) * line**2).sum().item() == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.03)
    assert 1 / psf.max().item() == pytest.approx(np.pi * radius**2, rel=0.005)  # its area in pixels


def test_disk_is_cut_by_its_edge_as_a_circle():
    """The part of a pixel at the end of an axis, for radius 2, is that of a segment of height 1/2."""
    psf = make_psf({"name": "disk", "radius": 2.0})
    row = psf[len(psf) // 2] / psf.max()
    part = quad(lambda y: math.sqrt(4 - y**2) - 1.5, -0.5, 0.5)[0]
    assert torch.allclose(row, torch.tensor([part, 1.0, 1.0, 1.0, part]), atol=0.01)
    assert torch.equal(make_psf({"name": "disk", "radius": 0.01}), torch.ones(1, 1))


def test_box_has_equal_weights():
    assert torch.allclose(make_psf({"name": "box", "size": 4}), torch.full((4, 4), 1 / 16))


KERNEL = np.array([[0, 1, 2.5], [3, 0.5, 250]])


def save_npy(path, values):
    np.save(path, values)


def save_mat(path, values):
    scipy.io.savemat(path, {"kernel": values, "sigma": 2.0, "title": "a text"})


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int16])
@pytest.mark.parametrize(("suffix", "save"), [(".npy", save_npy), (".NPY", np.save), (".mat", save_mat)])
def test_a_kernel_is_read_from_an_array_file(tmp_path, suffix, save, dtype):
    path = tmp_path / f"kernel{suffix}"
    with open(path, "wb") as file:
        save(file, KERNEL.astype(dtype))
    psf = make_psf({"name": "image", "path": str(path)})
    expected = KERNEL.astype(dtype) / KERNEL.astype(dtype).sum(dtype=float)
    assert np.allclose(psf, expected, atol=1e-7)


def test_the_key_chooses_among_the_variables_of_a_mat_file(tmp_path):
    path = str(tmp_path / "kernels.mat")
    scipy.io.savemat(
        path, {"a": KERNEL, "b": KERNEL.T, "c": KERNEL[0, 0], "cells": np.array([KERNEL], object)}
    )
    with pytest.raises(ImagingError, match=r"several matrices: set psf.key to one of a, b$"):
        make_psf({"name": "image", "path": path})
    psf = make_psf({"name": "image", "path": path, "key": "b"})
    assert np.allclose(psf, KERNEL.T / KERNEL.sum(), atol=1e-7)
    with pytest.raises(ImagingError, match=r"psf.key is d, but .* has: a, b, c, cells$"):
        make_psf({"name": "image", "path": path, "key": "d"})
    with pytest.raises(ImagingError, match=r"expected a 2-D array of real numbers"):
        make_psf({"name": "image", "path": path, "key": "cells"})


def test_a_mat_file_of_version_7_3(tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs make formats")
    path = str(tmp_path / "k.mat")
    with h5py.File(path, "w", userblock_size=512) as file:  # as MATLAB writes it: transposed, after a header
        file["kernel"], file["sigma"] = KERNEL.T, np.array([[2.0]])
        file.create_group("#refs#")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    assert np.allclose(make_psf({"name": "image", "path": path}), KERNEL / KERNEL.sum(), atol=1e-7)


@pytest.mark.parametrize("suffix", [".fits", ".FIT"])
def test_a_fits_file(suffix, tmp_path):
    fits = pytest.importorskip("astropy.io.fits", reason="needs make formats")
    path = str(tmp_path / f"k{suffix}")
    units = [fits.PrimaryHDU(), fits.ImageHDU(KERNEL, name="PSF")]
    fits.HDUList(units).writeto(path)
    assert np.allclose(make_psf({"name": "image", "path": path}), KERNEL / KERNEL.sum(), atol=1e-7)
    fits.HDUList([*units, fits.ImageHDU(KERNEL.T, name="OTHER")]).writeto(path, overwrite=True)
    with pytest.raises(ImagingError, match=r"several matrices: set psf.key to one of PSF, OTHER$"):
        make_psf({"name": "image", "path": path})
    psf = make_psf({"name": "image", "path": path, "key": "OTHER"})
    assert np.allclose(psf, KERNEL.T / KERNEL.sum(), atol=1e-7)


@pytest.mark.parametrize(("name", "package"), [("k.fits", "astropy"), ("k.mat", "h5py")])
def test_a_package_that_is_missing_is_named(name, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.io", None)
    (tmp_path / name).write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512))
    with pytest.raises(ImagingError, match=rf"{name} needs another package: pip install {package}$"):
        make_psf({"name": "image", "path": str(tmp_path / name)})


def wrong_arrays():
    newer = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM" + bytes(512)
    pickled, flat, complex_, negative, nan, nothing = (io.BytesIO() for _ in range(6))
    np.save(pickled, np.array([[print]], object), allow_pickle=True)
    np.save(flat, KERNEL[0])
    np.save(complex_, 1j * KERNEL)
    np.save(negative, -KERNEL)
    np.save(nan, np.nan * KERNEL)
    scipy.io.savemat(nothing, {"title": "a text"})
    return {
        "version 7.3": (
            "k.mat",
            newer,
            "(cannot be read as an array|k.mat needs another package: pip install h5py)",
        ),
        "pickle": ("k.npy", pickled.getvalue(), "cannot be read as an array .*more than numbers"),
        "one dimension": (
            "k.npy",
            flat.getvalue(),
            r"has an array of shape \(3,\) and type float64; expected a 2-D",
        ),
        "complex": ("k.npy", complex_.getvalue(), "type complex128; expected a 2-D array of real numbers"),
        "negative": ("k.npy", negative.getvalue(), "cannot be a psf; expected values of at least 0"),
        "nan": ("k.npy", nan.getvalue(), "cannot be a psf"),
        "text": ("k.mat", nothing.getvalue(), "has no 2-D array of real numbers"),
        "cut off npy": ("k.npy", negative.getvalue()[:-9], "cannot be read as an array"),
        "cut off mat": ("k.mat", nothing.getvalue()[:140], "cannot be read as an array"),
        "an image": ("k.npy", b"\x89PNG\r\n", "cannot be read as an array"),
        "empty": ("k.mat", b"", "cannot be read as an array"),
    }


@pytest.mark.parametrize(("name", "content", "message"), wrong_arrays().values(), ids=wrong_arrays())
def test_a_file_that_is_no_kernel(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImagingError, match=message) as error:
        make_psf({"name": "image", "path": str(tmp_path / name)})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_image_is_divided_by_its_sum(tmp_path, dtype):
    values = np.array([[0, 1, 2], [3, 0, 250]], dtype=dtype)
    values = values * (200 if dtype == np.uint16 else 1)
    path = str(tmp_path / "psf.png")
    Image.fromarray(values).save(path)
    assert np.allclose(make_psf({"name": "image", "path": path}), values / values.sum(), atol=1e-6)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "gaussian", "sigma": 0.0}, "psf.sigma is 0.0"),
        ({"name": "gaussian", "sigma": float("nan")}, "psf.sigma is nan"),
        ({"name": "gaussian", "sigma": 1.0, "size": 0}, "psf.size is 0"),
        ({"name": "motion", "length": 0.5, "angle": 0}, "psf.length is 0.5"),
        ({"name": "motion", "length": 3, "angle": float("inf")}, "psf.angle is inf"),
        ({"name": "disk", "radius": 0.0}, "psf.radius is 0.0"),
        ({"name": "box", "size": 1.5}, "psf.size is 1.5"),
        ({"name": "image", "path": "no/such.png"}, "no file no/such.png"),
        ({"name": "image", "path": "no/such.npy"}, "no file no/such.npy"),
        ({"name": "image", "path": "no/such.mat"}, "no file no/such.mat"),
        ({"name": "image", "path": "a.png", "key": "psf"}, "psf.key is psf, but only .mat and FITS"),
        ({"name": "gausian", "sigma": 1.0}, "did you mean 'gaussian'"),
        ({"name": "digit", "size": 7}, "no setting 'size'"),
    ],
)
def test_wrong_settings(config, message):
    with pytest.raises(ImagingError, match=message) as error:
        make_psf(config)
    assert "\n" not in str(error.value)


def test_black_image_is_no_psf(tmp_path):
    path = str(tmp_path / "black.png")
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(path)
    with pytest.raises(ImagingError, match="cannot be a psf"):
        make_psf({"name": "image", "path": path})
