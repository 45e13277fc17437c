"""The Wiener filter on 100 images of 320×480 RGB with one kernel.

    python benchmarks/wiener.py

Against `skimage.restoration.wiener` in float32, channel by channel, and against the formula on complex FFTs
that makes the transfer function anew for each image. Each in a process of its own, in turns: ours as the
commands run it, the others as a script would. One image at a time: large batches are slower.
"""

import json
import sys
from collections.abc import Callable

from ruler import finish, in_a_process, ratios, row, seconds

PSF, SNR, COUNT, ROUNDS = {"name": "digit"}, 100.0, 100, 4


def formula(y, psf):
    """(C, H, W), deblurred."""
    import torch

    padded = torch.zeros(y.shape[-2:], dtype=y.dtype)
    padded[: psf.shape[0], : psf.shape[1]] = psf
    otf = torch.fft.fft2(padded.roll((-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1)))
    inverse = otf.conj() / (otf.abs() ** 2 + 1 / SNR)
    return torch.fft.ifft2(inverse * torch.fft.fft2(y)).real


def each(function: Callable, images) -> None:
    """Nothing is kept."""
    for y in images:
        function(y)


def ours(images, psf) -> Callable[[], object]:
    from imaging.commands.process.memory import keep_freed_memory
    from imaging.models import build_model

    keep_freed_memory()  # as the commands do
    filtered = build_model({"name": "wiener", "psf": PSF, "snr": SNR}).eval()
    error = max((filtered(y[None])[0] - formula(y.double(), psf)).abs().max().item() for y in images[:5])
    if error > 1e-5:
        raise SystemExit(f"differs from the formula by {error}")
    return lambda: each(lambda y: filtered(y[None]), images)


def anew(images, psf) -> Callable[[], object]:
    return lambda: each(lambda y: formula(y, psf), images)


def skimage(images, psf) -> Callable[[], object]:
    import numpy as np
    from skimage import restoration

    kernel, flat = psf.numpy(), np.ones((1, 1), np.float32)

    def restored(y) -> None:
        for channel in y:
            restoration.wiener(channel, kernel, 1 / SNR, reg=flat, clip=False)

    return lambda: each(restored, images.numpy())


def worker(name: str) -> None:
    import torch

    from imaging.physics import make_psf

    torch.manual_seed(0)
    images = torch.rand(COUNT, 3, 320, 480)
    with torch.inference_mode():
        function = {"ours": ours, "anew": anew, "skimage": skimage}[name](images, make_psf(PSF))
        print(json.dumps(seconds(function, least=0.5) / COUNT))


def main() -> None:
    times: dict[str, list[float]] = {"ours": [], "skimage": [], "anew": []}
    for _ in range(ROUNDS):
        for name, values in times.items():
            values.append(in_a_process(__file__, name))
    least = {name: 1e3 * min(values) for name, values in times.items()}
    finish(
        [
            row(
                f"Wiener filter: {what} / ours",
                ratios(times, name, "ours"),
                bar,
                f"{least[name]:.1f} / {least['ours']:.2f} ms an image",
                True,
            )
            for what, name, bar in (
                ("scikit-image", "skimage", 5),
                ("complex FFTs, OTF each time", "anew", 4),
            )
        ]
    )


if __name__ == "__main__":
    worker(sys.argv[1]) if sys.argv[1:] else main()
