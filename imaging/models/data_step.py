"""The data step of a deconvolution, with a prior of small gradients, for a blur with any boundary."""

import torch
from torch import Tensor

from imaging.physics.boundaries import fill
from imaging.physics.by_size import BySize
from imaging.physics.conjugate_gradients import RegularisedInverse
from imaging.physics.fourier import squared_frequencies
from imaging.physics.operators.blur import Blur, crop, fast_size, place
from imaging.shapes import Images, Measurements, Sigmas

_squared = BySize(squared_frequencies)


class DataStep:
    """Minimise |y - A x|² + weight · |∇(x - z)|² / (2π)² over x.

    With a circular blur there is a closed form, X = (conj(H) · Y + n · Z) / (|H|² + n), n = weight · |f|².
    With another boundary, x is a larger periodic image, the canvas, of which y is the visible part after a
    circular blur, and nothing is assumed beyond it: A x = M (h ∗ x), M the mask of y. The solution is by
    conjugate gradients, preconditioned with the closed form; they start at z, or without one at the closed
    form for a y that is filled in beyond its borders.

    Args:
        blur: A.
        y: (N, C, H, W), float32.

    Attributes:
        y: on the canvas, filled in beyond its borders.
    """

    TOLERANCE = 1e-3  # of the residual, in units in which the prior's gradients are white

    def __init__(self, blur: Blur, y: Measurements):
        self._blur, self._shape = blur, tuple(y.shape[1:])
        self._bounded = blur.boundary != "circular"
        h, w = y.shape[-2:]
        self.size, self._first = (h, w), [0, 0]
        if self._bounded:
            self.size = fast_size(h + blur.before[0] + blur.after[0], w + blur.before[1] + blur.after[1])
            self._first = blur.before
        size, self.y = self.size, fill(y, self.size, self._first)
        self._transfer = blur.transfer(size, y.device)
        self._power = self._transfer.real.square() + self._transfer.imag.square()
        self._squared = _squared(size, y.device, torch.float32)
        if self._bounded:
            self._mask = place(torch.ones_like(y[:1, :1]), self._first, size)
            squared = self._squared.clamp_min(0.25 / max(size) ** 2)  # not 0, since it divides
            # The half spectrum of an image has only one of each two equal terms of the sum of squares, but
            # for the first column and, of an even width, the last one.
            terms = torch.ones(size[1] // 2 + 1, device=y.device)
            terms[1 : (size[1] + 1) // 2] = 2
            self._gradient = (terms * squared).sqrt()
            self._white = self._transfer / self._gradient
            self._white_adjoint = terms * self._white.conj()
            self._white_power = self._power / squared

    def solve(self, weight: Sigmas, around: Images | None = None, iterations: int = 24) -> Images:
        """The minimiser on the canvas; around=None: z = 0.

        Args:
            weight: positive, (N, 1, 1, 1).
            around: z, on the canvas.
            iterations: at most, of conjugate gradients.
        """
        spectrum = None if around is None else torch.fft.rfft2(around, norm="ortho")
        if self._bounded and spectrum is not None:
            return around + self._correction(weight, spectrum, 0, iterations)
        strength = weight * self._squared
        numerator = torch.fft.rfft2(self.y, norm="ortho") * self._transfer.conj()
        if spectrum is not None:
            numerator = numerator + strength * spectrum
        spectrum = numerator / (self._power + strength)
        x = self._image(spectrum)
        if not self._bounded:
            return x
        return x + self._correction(weight, spectrum, weight * self._gradient * spectrum, iterations)

    def _correction(self, weight: Tensor, spectrum: Tensor, pull: Tensor | int, iterations: int) -> Tensor:
        """The minimiser minus x, in whose terms z is given by `pull`, weight · |f| (X - Z).

        The unknown of the conjugate gradients is the spectrum times |f|, as real numbers, which have the
        inner product of the gradients.

        Args:
            spectrum: of x.
        """
        residual = self._mask * (self.y - self._image(spectrum * self._transfer))
        r = self._gradients(residual) - pull
        u = RegularisedInverse.apply(
            self._gram, self._precondition, _real(r), weight, self.TOLERANCE, iterations
        )
        return self._image(_complex(u) / self._gradient)

    def _gradients(self, residual: Tensor) -> Tensor:
        return torch.fft.rfft2(residual, norm="ortho") * self._white_adjoint

    def _gram(self, u: Tensor) -> Tensor:
        return _real(self._gradients(self._mask * self._image(_complex(u) * self._white)))

    def _precondition(self, r: Tensor, weight: Tensor) -> Tensor:
        return _real(_complex(r) / (self._white_power + weight))

    def _image(self, spectrum: Tensor) -> Tensor:
        return torch.fft.irfft2(spectrum, s=self.size, norm="ortho")

    def crop(self, canvas: Tensor) -> Tensor:
        """The part of a canvas that is x, (N, C, H, W)."""
        _, *size = self._blur.input_shape(self._shape)
        return crop(canvas, (0, 0) if self._blur.boundary == "valid" else self._first, size)


def _real(spectrum: Tensor) -> Tensor:
    return torch.view_as_real(spectrum).flatten(-2)


def _complex(numbers: Tensor) -> Tensor:
    return torch.view_as_complex(numbers.unflatten(-1, (-1, 2)))
