"""The data step of a deconvolution, against dense least squares and numpy's full transforms."""

import numpy as np
import pytest
import torch

from imaging.models.data_step import DataStep
from imaging.physics import Blur, make_psf
from imaging.physics.fourier import squared_frequencies
from imaging.randomness import generator

MOTION = {"name": "motion", "length": 5, "angle": 30}
EVEN = {"name": "gaussian", "sigma": 1.0, "size": 4}
BOUNDARIES = ["circular", "valid", "reflect", "zero"]


def images(*shape):
    return torch.rand(shape, generator=generator("data step", *shape))


def weights(*values):
    return torch.tensor(values).reshape(-1, 1, 1, 1)


def solved_densely(step, blur, y, weight, around):
    """The minimiser by the normal equations of all pixels of the canvas, float64, of one channel."""
    h, w = step.size
    pixels = torch.eye(h * w, dtype=torch.float64).view(-1, 1, h, w)
    squared = squared_frequencies(step.size)
    seen = torch.ones(h, w, dtype=torch.float64)
    if blur.boundary != "circular":
        squared = squared.clamp_min(0.25 / max(h, w) ** 2)
        (top, left), (rows, columns) = blur.before, y.shape
        seen[:], seen[top : top + rows, left : left + columns] = 0, 1
    blurred = Blur(blur.psf)(pixels) * seen
    penalty = torch.fft.irfft2(torch.fft.rfft2(pixels) * squared, s=step.size).flatten(1)
    a = blurred.flatten(1).T
    target = torch.zeros(h, w, dtype=torch.float64)
    target[seen == 1] = y.double().flatten()
    z = torch.zeros(h * w, dtype=torch.float64) if around is None else around.double().flatten()
    return torch.linalg.solve(a.T @ a + weight * penalty, a.T @ target.flatten() + weight * penalty @ z)


@pytest.mark.parametrize("psf", [MOTION, EVEN], ids=["odd", "even"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("size", [(16, 18), (15, 17)], ids=str)
def test_it_is_the_solution_of_the_normal_equations(psf, boundary, size):
    blur = Blur(psf, boundary)
    y, weight = (
        blur(images(2, 2, *size)) + 0.05 * images(2, 2, *blur.output_shape((2, *size))[1:]),
        [0.5, 0.1],
    )
    step = DataStep(blur, y)
    step.TOLERANCE = 1e-7
    for around in (None, images(2, 2, *step.size)):
        found = step.solve(weights(*weight), around, iterations=300)
        for n in range(2):
            for c in range(2):
                z = None if around is None else around[n, c]
                expected = solved_densely(step, blur, y[n, c], weight[n], z)
                np.testing.assert_allclose(found[n, c].flatten(), expected, atol=1e-4)


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("size", [(16, 12), (15, 13)], ids=str)
def test_a_circular_blur_has_the_closed_form_with_full_complex_transforms(size, around):
    digit = {"name": "digit"}
    centred = np.zeros(size)
    for (i, j), value in np.ndenumerate(make_psf(digit).numpy()):
        centred[(i - 3) % size[0], (j - 3) % size[1]] = value
    transfer = np.fft.fft2(centred)
    frequencies = np.fft.fftfreq(size[0])[:, None] ** 2 + np.fft.fftfreq(size[1]) ** 2
    y, z, weight = images(2, 3, *size), images(2, 3, *size).flip(0), [0.1, 10.0]
    found = DataStep(Blur(digit), y).solve(weights(*weight), z if around else None)
    for n in range(2):
        strength = weight[n] * frequencies
        numerator = np.conj(transfer) * np.fft.fft2(y[n].numpy())
        if around:
            numerator = numerator + strength * np.fft.fft2(z[n].numpy())
        expected = np.fft.ifft2(numerator / (np.abs(transfer) ** 2 + strength)).real
        assert np.allclose(found[n], expected, atol=1e-4)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_what_explains_the_measurement_is_left_alone(boundary):
    blur, x = Blur(MOTION, boundary), images(1, 3, 20, 22)
    step = DataStep(blur, blur(x))
    canvas = torch.zeros(1, 3, *step.size)
    if boundary == "circular":
        canvas = x
    elif boundary == "valid":
        canvas[..., :20, :22] = x
    else:  # x with what lies beyond its borders
        top, left = blur.before
        wide = torch.nn.functional.pad(x, (left, left, top, top), **{
            "reflect": {"mode": "reflect"}, "zero": {"mode": "constant"}}[boundary])  # fmt: skip
        canvas[..., : 20 + 2 * top, : 22 + 2 * left] = wide
    assert torch.allclose(step.solve(weights(2.5), canvas), canvas, atol=1e-5)
    assert torch.allclose(step.crop(canvas), x)


@pytest.mark.parametrize("boundary", ["circular", "valid"])
def test_the_gradients_are_those_of_differences(boundary):
    blur = Blur(MOTION, boundary)
    y = blur(images(1, 1, 12, 12))
    step = DataStep(blur, y)
    step.TOLERANCE = 1e-7
    z, weight = images(1, 1, *step.size).flip(-1), weights(0.3)
    probe = torch.randn(step.size, generator=generator("probe"))

    def value(z, weight):
        return (step.solve(weight, z, iterations=200) * probe).double().sum()

    inputs = z.clone().requires_grad_(), weight.clone().requires_grad_()
    value(*inputs).backward()
    direction = torch.randn(z.shape, generator=generator("direction"))
    found = (inputs[0].grad * direction).sum().item()
    assert found == pytest.approx(
        (value(z + direction, weight) - value(z - direction, weight)).item() / 2, rel=2e-3
    )
    slope = (value(z, weight + 0.01) - value(z, weight - 0.01)).item() / 0.02
    assert inputs[1].grad.item() == pytest.approx(slope, rel=2e-2)


def test_images_of_a_batch_have_their_own_psfs():
    psfs = torch.rand(2, 5, 5, generator=generator("psfs"))
    x = images(2, 1, 20, 20)
    y = Blur(psfs, "valid")(x)
    together = DataStep(Blur(psfs, "valid"), y).solve(weights(0.01, 0.02))
    for n in range(2):
        alone = DataStep(Blur(psfs[n], "valid"), y[n : n + 1]).solve(weights(0.01 * (n + 1)))
        assert torch.allclose(together[n : n + 1], alone, atol=1e-3)
