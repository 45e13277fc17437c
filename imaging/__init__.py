"""Train and compare image-reconstruction networks: y = A x + n, x_hat = f(y).

import imaging

denoise = imaging.load("denoiser-best-64")
denoise.file("photo.jpg", "restored.png")
"""


def load(name, device: str = "auto", psf: dict | None = None):
    """A trained network by name, ready to restore photographs; see `imaging.restoring.restorer.load`."""
    from imaging.restoring.restorer import load  # here, so that `import imaging` takes no time

    return load(name, device, psf)
