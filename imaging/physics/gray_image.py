"""Gray image files for operators: masks and kernels."""

import numpy as np
import torch

from imaging.errors import ImagingError
from imaging.shapes import Plane


def read_gray(path: str, setting: str) -> Plane:
    """The gray values of an image file, float32 (H, W), in the file's units (0 to 255 for 8 bits).

    Colours are converted to luminance (ITU-R 601); alpha is ignored.

    Args:
        path: the image file.
        setting: name of the setting, for messages.

    Raises:
        ImagingError: the file is missing or is not an image.
    """
    from PIL import Image  # here, since few configs name a file

    try:
        with Image.open(path) as image:
            # Modes I and F hold more than 8 bits, which a conversion to L would clip.
            gray = image if image.mode[0] in "IF" else image.convert("L")
            return torch.from_numpy(np.asarray(gray).astype(np.float32))
    except FileNotFoundError:
        raise ImagingError(f"{setting}: there is no file {path}") from None
    except OSError as error:
        reason = " ".join(str(error).split())
        raise ImagingError(f"{setting}: {path} cannot be read as an image ({reason})") from None
