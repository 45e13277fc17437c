"""Train and compare image-reconstruction networks: y = A x + n, x_hat = f(y).

import imaging

denoise = imaging.load("denoiser-best-64")
denoise.file("photo.jpg", "restored.png")
images = imaging.data("bsds300").test_images()
"""


def load(name, device: str = "auto", psf: dict | None = None):
    """Load a trained network by name, to restore photographs; see `imaging.restoring.restorer.load`."""
    from imaging.restoring.restorer import load  # here, so that `import imaging` is fast

    return load(name, device, psf)


def __getattr__(name: str):
    if name == "data":  # imported here for the same reason
        import importlib

        return importlib.import_module("imaging.data")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
