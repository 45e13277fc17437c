"""Arrays in files of NumPy and MATLAB, for kernels that were measured."""

from pathlib import Path

import numpy as np
import torch

from imaging.errors import ImagingError, one_line
from imaging.shapes import Plane

SUFFIXES = (".npy", ".mat")


def read_array(path: str, setting: str, key: str | None = None) -> Plane:
    """Read a 2-D array of real numbers: float64 (H, W).

    Args:
        path: a .npy file, or a .mat file of a version before 7.3.
        setting: the component and its path setting, e.g. "psf.path", for messages.
        key: name of the variable in a .mat file; None: the only matrix in it (single numbers do not count).

    Raises:
        ImagingError: the file is missing or damaged, contains Python objects, or is a .mat file of version
            7.3; there is no matrix, or there are several and key is None; the array is not 2-D, is empty, or
            is not of real numbers.
    """
    try:
        if Path(path).suffix.lower() == ".npy":
            array = np.load(path, allow_pickle=False)
        else:
            from scipy.io import loadmat  # here, since few configs name such a file

            array = _variable(loadmat(path), path, setting, key)
    except FileNotFoundError:
        raise ImagingError(f"{setting}: there is no file {path}") from None
    except NotImplementedError:  # scipy's for the format of version 7.3, HDF5
        raise ImagingError(
            f"{setting}: {path} is a MATLAB file of version 7.3; save it in MATLAB with '-v7', or as .npy"
        ) from None
    except ImagingError:
        raise
    except Exception as error:  # numpy and scipy raise many types for a damaged file
        reason = one_line(str(error) or type(error).__name__)
        raise ImagingError(f"{setting}: {path} cannot be read as an array ({reason})") from None
    if not _is_matrix(array):
        what = type(array).__name__
        if isinstance(array, np.ndarray):
            what = f"an array of shape {array.shape} and type {array.dtype}"
        raise ImagingError(f"{setting}: {path} has {one_line(what)}; expected a 2-D array of real numbers")
    return torch.from_numpy(array.astype(np.float64))


def _is_matrix(value) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.size > 0 and value.dtype.kind in "fiub"


def _variable(variables: dict, path: str, setting: str, key: str | None):
    """The variable `key` of a .mat file, or its only matrix."""
    names = [name for name in variables if not name.startswith("__")]
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
