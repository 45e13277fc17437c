"""The Wiener filter on 100 images of 320×480 RGB with one kernel.

    python benchmarks/wiener.py

Against `skimage.restoration.wiener` in float32, channel by channel, and against the formula on complex FFTs
that makes the transfer function anew for each image. One image at a time: large batches are slower.
"""

import numpy as np
import torch
from ruler import finish, interleaved, ratios, row
from skimage import restoration

from imaging.models import build_model
from imaging.physics import make_psf
from imaging.runs.memory import keep_freed_memory

PSF, SNR, COUNT = {"name": "digit"}, 100.0, 100


def main() -> None:
    keep_freed_memory()  # as the commands do, and for all three
    torch.manual_seed(0)
    images = torch.rand(COUNT, 3, 320, 480)
    filtered = build_model({"name": "wiener", "psf": PSF, "snr": SNR}).eval()
    psf = make_psf(PSF)

    def formula(y: torch.Tensor) -> torch.Tensor:
        padded = torch.zeros(y.shape[-2:], dtype=y.dtype)
        padded[: psf.shape[0], : psf.shape[1]] = psf
        otf = torch.fft.fft2(padded.roll((-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1)))
        inverse = otf.conj() / (otf.abs() ** 2 + 1 / SNR)
        return torch.fft.ifft2(inverse * torch.fft.fft2(y)).real

    @torch.inference_mode()
    def ours() -> None:
        for y in images:
            filtered(y[None])

    @torch.inference_mode()
    def anew() -> None:
        for y in images:
            formula(y)

    arrays, kernel, flat = images.numpy(), psf.numpy(), np.ones((1, 1), np.float32)

    def skimage() -> None:
        for y in arrays:
            for channel in y:
                restoration.wiener(channel, kernel, 1 / SNR, reg=flat, clip=False)

    with torch.inference_mode():
        error = max(
            (filtered(y[None])[0] - formula(y.double()).float()).abs().max().item() for y in images[:5]
        )
    times = interleaved({"ours": ours, "skimage": skimage, "anew": anew}, rounds=5, least=0.1)
    each = {name: 1e3 * min(values) / COUNT for name, values in times.items()}
    note = f"{each['ours']:.2f} ms an image; largest difference from the formula {error:.1e}"
    rows = [
        row(
            f"Wiener filter: {what} / ours",
            ratios(times, name, "ours"),
            bar,
            f"{each[name]:.1f} / {note}",
            True,
        )
        for what, name, bar in (("scikit-image", "skimage", 5), ("complex FFTs, OTF each time", "anew", 4))
    ]
    finish(rows)
    if error > 1e-5:
        raise SystemExit(f"differs from the formula by {error}")


if __name__ == "__main__":
    main()
