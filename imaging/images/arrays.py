"""Arrays in files of NumPy, MATLAB and FITS, for kernels that were measured."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from imaging.errors import ImagingError, one_line
from imaging.files import check_regular
from imaging.shapes import Plane

FITS = (".fits", ".fit", ".fts")
SUFFIXES = (".npy", ".mat", *FITS)


def read_array(path: str, setting: str, key: str | None = None) -> Plane:
    """Read a 2-D array of real numbers: float64 (H, W).

    Args:
        path: a .npy file, a .mat file, or a FITS file. MATLAB's version 7.3 needs the package h5py, and FITS
            the package astropy.
        setting: the component and its path setting, e.g. "psf.path", for messages.
        key: name of the variable in a .mat file, or of the extension in a FITS file; None: the only matrix in
            it (single numbers do not count).

    Raises:
        ImagingError: the file is missing or damaged, or contains Python objects; there is no matrix, or there
            are several and key is None; the array is not 2-D, is empty, or is not of real numbers; or the
            package that it needs is not installed.
    """
    suffix = Path(path).suffix.lower()
    try:
        check_regular(path)
        if suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        else:
            array = _variable(_fits(path) if suffix in FITS else _matlab(path), path, setting, key)
    except FileNotFoundError:
        raise ImagingError(f"{setting}: there is no file {path}") from None
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise ImagingError(f"{setting}: {path} needs another package: pip install {package}") from None
    except ImagingError:
        raise
    except Exception as error:  # the libraries raise many types for a damaged file
        reason = one_line(str(error) or type(error).__name__)
        if "pickle" in reason:  # NumPy goes on with advice to load it all the same
            reason = "it is damaged, or holds more than numbers"
        raise ImagingError(f"{setting}: {path} cannot be read as an array ({reason})") from None
    if not _is_matrix(array):
        what = type(array).__name__
        if isinstance(array, np.ndarray):
            what = f"an array of shape {array.shape} and type {array.dtype}"
        raise ImagingError(f"{setting}: {path} has {one_line(what)}; expected a 2-D array of real numbers")
    return torch.from_numpy(array.astype(np.float64))


def _matlab(path: str) -> Mapping:
    from scipy.io import loadmat  # here, since few configs name such a file

    try:
        return {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    except NotImplementedError:  # scipy's for version 7.3, which is HDF5
        import h5py

    with h5py.File(path) as file:
        # MATLAB counts along columns first, so that h5py sees the transpose.
        return {name: value[()].T for name, value in file.items() if isinstance(value, h5py.Dataset)}


def _fits(path: str) -> Mapping:
    from astropy.io import fits

    with fits.open(path, memmap=False) as units:
        return {unit.name or str(number): unit.data for number, unit in enumerate(units) if unit.is_image}


def _is_matrix(value) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.size > 0 and value.dtype.kind in "fiub"


def _variable(variables: Mapping, path: str, setting: str, key: str | None):
    """The variable `key` of a file, or its only matrix."""
    names = list(variables)
    setting_of_key = setting.rpartition(".")[0] + ".key"
    if key is not None:
        if key not in names:
            raise ImagingError(f"{setting_of_key} is {key}, but {path} has: {', '.join(names) or 'nothing'}")
        return variables[key]
    matrices = [name for name in names if _is_matrix(variables[name])]
    matrices = [name for name in matrices if variables[name].size > 1] or matrices
    if not matrices:
        raise ImagingError(f"{setting}: {path} has no 2-D array of real numbers")
    if len(matrices) > 1:
        raise ImagingError(f"{setting}: {path} has several matrices: set {setting_of_key} to one of "
                           f"{', '.join(matrices)}")  # fmt: skip
    return variables[matrices[0]]
