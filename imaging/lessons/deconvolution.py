"""The lesson `deconvolution`: the otf, the Wiener filter and ADMM's three updates for total variation."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fft import fft2, fftshift, ifft2, ifftshift
from torch.nn.functional import pad

from imaging.lessons.admm import UPDATE_U, UPDATE_X, UPDATE_Z
from imaging.lessons.exercise import Exercise, Input, Lesson, Mistake, Outputs, replaced
from imaging.lessons.spectra import REAL, Size, draw, make_psf, transfer

# otf


def rolled(rows: Callable[[int, int], int], columns: Callable[[int, int], int]) -> dict:
    """A switch of `otf`: rolls of the padded psf by functions of its height and width."""

    def centre(padded: Tensor, kh: int, kw: int) -> Tensor:
        return padded.roll((rows(kh, kw), columns(kh, kw)), (0, 1))

    return {"centre": centre}


def otf(
    psf: Tensor,
    size: Size,
    *,
    centre: Callable[[Tensor, int, int], Tensor] = lambda padded, kh, kw: padded.roll(
        (-(kh // 2), -(kw // 2)), (0, 1)
    ),
    middle: bool = False,
    transform: Callable[[Tensor], Tensor] = fft2,
    view: Callable[[Tensor], Tensor] = lambda t: t,
    late: bool = False,
) -> Outputs:
    """The transform of a psf with its centre at pixel (0, 0), as in `imaging.physics.operators.blur.otf`."""
    (kh, kw), (h, w) = psf.shape, size
    top, left = ((h - kh) // 2, (w - kw) // 2) if middle else (0, 0)
    padded = pad(psf, (left, w - kw - left, top, h - kh - top))
    spectrum = centre(transform(padded), kh, kw) if late else transform(centre(padded, kh, kw))
    return (view(spectrum),)


def otf_input(label: str, sides: Size, size: Size) -> Input:
    return Input(label, lambda: {"psf": make_psf(*sides), "size": size})


UNMOVED = {"centre": lambda padded, kh, kw: padded}

OTF = Exercise(
    "otf",
    ("H",),
    otf,
    (
        otf_input("a 3 x 5 psf", (3, 5), (6, 9)),
        otf_input("a psf with even sides", (4, 2), (7, 8)),
        otf_input("a psf with an odd and an even side", (5, 4), (8, 8)),
        otf_input("a psf of one pixel", (1, 1), (3, 4)),
        otf_input("a psf as large as the image", (5, 6), (5, 6)),
    ),
    (
        Mistake("otf not centred: the psf's corner is at pixel (0, 0)", UNMOVED),
        Mistake(
            "otf not centred: the psf's centre is in the middle of the image", {"middle": True} | UNMOVED
        ),
        Mistake(
            "centre of an even side", rolled(lambda kh, kw: -((kh - 1) // 2), lambda kh, kw: -((kw - 1) // 2))
        ),
        Mistake(
            "-k // 2 where -(k // 2) belongs: one too far for an odd side",
            rolled(lambda kh, kw: -kh // 2, lambda kh, kw: -kw // 2),
        ),
        Mistake("rolled in the wrong direction", rolled(lambda kh, kw: kh // 2, lambda kh, kw: kw // 2)),
        Mistake("rolled along the rows only", rolled(lambda kh, kw: 0, lambda kh, kw: -(kw // 2))),
        Mistake("rolled along the columns only", rolled(lambda kh, kw: -(kh // 2), lambda kh, kw: 0)),
        Mistake(
            "height and width exchanged in the roll",
            rolled(lambda kh, kw: -(kw // 2), lambda kh, kw: -(kh // 2)),
        ),
        Mistake(
            "rolled by the same number both ways",
            rolled(lambda kh, kw: -(kh // 2), lambda kh, kw: -(kh // 2)),
        ),
        Mistake(
            "rolled by the same number both ways",
            rolled(lambda kh, kw: -(kw // 2), lambda kh, kw: -(kw // 2)),
        ),
        Mistake("rolled by the whole side", rolled(lambda kh, kw: -kh, lambda kh, kw: -kw)),
        Mistake(
            "fftshift of the padded psf: it moves by half the image",
            {"centre": lambda p, kh, kw: fftshift(p)},
        ),
        Mistake(
            "fftshift of the padded psf: it moves by half the image",
            {"centre": lambda p, kh, kw: ifftshift(p)},
        ),
        Mistake("the spectrum is rolled where the psf must be", {"late": True}),
        Mistake("psf in the middle before it is moved", {"middle": True}),
        Mistake("fftshift of the spectrum", {"view": fftshift}),
        Mistake("fftshift of the spectrum", {"view": ifftshift}),
        Mistake("half of the spectrum: rfft2 where fft2 belongs", {"transform": torch.fft.rfft2}),
        Mistake("transform forgotten: the padded psf is returned", {"transform": lambda t: t}),
        Mistake("inverse transform where the transform belongs", {"transform": ifft2}),
        Mistake("transform along the rows only", {"transform": torch.fft.fft}),
        Mistake(
            "divided by the root of the number of pixels", {"transform": lambda t: fft2(t, norm="ortho")}
        ),
        Mistake("divided by the number of pixels", {"transform": lambda t: fft2(t, norm="forward")}),
        Mistake("magnitude only", {"view": torch.abs}),
        Mistake("power: |H|² where H belongs", {"view": lambda t: t.abs() ** 2}),
        Mistake("real part only", {"view": lambda t: t.real}),
        Mistake("psf mirrored: the conjugate of H", {"view": torch.conj}),
        Mistake("psf transposed", before=replaced("psf", lambda t: t.mT)),
        Mistake("psf mirrored", before=replaced("psf", lambda t: t.flip(0, 1))),
        Mistake("height and width exchanged", before=replaced("size", lambda size: size[::-1])),
    ),
    sizes=lambda a: {"the number of pixels": a["size"][0] * a["size"][1], "the psf's size": a["psf"].numel()},
)


# wiener


def wiener(
    y: Tensor,
    H: Tensor,
    snr: float,
    *,
    noise: Callable[[float], float] = lambda snr: 1 / snr,
    power: Callable[[Tensor], Tensor] = lambda H: H.abs() ** 2,
    above: Callable[[Tensor], Tensor] = torch.conj,
    outside: bool = False,
    final: str = "real",
    back: Callable[[Tensor], Tensor] = ifft2,
    spectrum: Callable[[Tensor], Tensor] = fft2,
) -> Outputs:
    """The Wiener filter conj(H) / (|H|² + 1/snr), as in `imaging.models.wiener.Wiener`."""
    response = above(H) / power(H) + noise(snr) if outside else above(H) / (power(H) + noise(snr))
    return (REAL[final](back(response * spectrum(y))),)


def wiener_input(label: str, sides: Size, size: Size, snr: float) -> Input:
    return Input(
        label, lambda: {"y": draw(*size, key="y") * 1.4 - 0.2, "H": transfer(sides, size), "snr": snr}
    )


WIENER = Exercise(
    "wiener",
    ("x_hat",),
    wiener,
    (
        wiener_input("4 x 6 pixels", (3, 3), (4, 6), 100.0),
        wiener_input("odd sides", (3, 5), (7, 9), 10.0),
        wiener_input("a strong noise", (4, 2), (8, 5), 0.5),
        wiener_input("a whole number as snr", (3, 2), (6, 5), 20),
    ),
    (
        Mistake("SNR upside down", {"noise": lambda snr: snr}),
        Mistake("SNR forgotten: the inverse filter", {"noise": lambda snr: 0.0}),
        Mistake("SNR forgotten: 1 in place of 1/snr", {"noise": lambda snr: 1.0}),
        Mistake("SNR taken as decibels", {"noise": lambda snr: 10 ** (-snr / 10)}),
        Mistake("SNR squared", {"noise": lambda snr: 1 / snr**2}),
        Mistake("root of the SNR", {"noise": lambda snr: snr**-0.5}),
        Mistake("SNR converted to decibels", {"noise": lambda snr: 0.1 / math.log10(snr)}),
        Mistake("1/snr subtracted", {"noise": lambda snr: -1 / snr}),
        Mistake("conj forgotten", {"above": lambda H: H}),
        Mistake("1 where conj(H) belongs", {"above": torch.ones_like}),
        Mistake("|H| where conj(H) belongs", {"above": torch.abs}),
        Mistake("|H|² where conj(H) belongs", {"above": lambda H: H.abs() ** 2}),
        Mistake("|H| where |H|² belongs", {"power": torch.abs}),
        Mistake("H² where |H|² belongs", {"power": lambda H: H**2}),
        Mistake("H where |H|² belongs", {"power": lambda H: H}),
        Mistake("conj(H) where |H|² belongs", {"power": torch.conj}),
        Mistake("conj(H)² where |H|² belongs", {"power": lambda H: H.conj() ** 2}),
        Mistake("real part of H² where |H|² belongs", {"power": lambda H: (H**2).real}),
        Mistake("square of H's real part where |H|² belongs", {"power": lambda H: H.real**2}),
        Mistake("|H|² forgotten", {"power": lambda H: torch.zeros_like(H)}),
        Mistake("denominator forgotten", {"power": torch.zeros_like, "noise": lambda snr: 1.0}),
        Mistake("real part not taken", {"final": "none"}),
        Mistake("magnitude where the real part belongs", {"final": "abs"}),
        Mistake("imaginary part where the real part belongs", {"final": "imag"}),
        Mistake("inverse transform forgotten", {"back": lambda t: t}),
        Mistake("transform where its inverse belongs", {"back": fft2}),
        Mistake(
            "conj of Y where that of H belongs",
            {"above": lambda H: H, "spectrum": lambda y: fft2(y).conj()},
        ),
        Mistake("transform of y forgotten", {"spectrum": lambda y: y}),
        Mistake("transform along the rows only", {"spectrum": torch.fft.fft, "back": torch.fft.ifft}),
        Mistake("1/snr outside the fraction: brackets are missing", {"outside": True}),
        Mistake("fftshift of the image", {"back": lambda t: fftshift(ifft2(t))}),
        Mistake("fftshift of the spectrum", {"spectrum": lambda y: fftshift(fft2(y))}),
        Mistake("fftshift of the spectrum", {"back": lambda t: ifft2(fftshift(t))}),
    ),
    sizes=lambda a: {"the number of pixels": a["y"].numel(), "snr": a["snr"]},
)

DECONVOLUTION = Lesson("deconvolution", (OTF, WIENER, UPDATE_X, UPDATE_Z, UPDATE_U))
