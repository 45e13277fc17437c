"""One table of operators, run against the properties that every linear operator has.

A new operator adds one line to the table; the last tests fail until it does. y need not look like x.
"""

from functools import partial
from typing import get_args

import numpy as np
import pytest
import torch

from imaging.errors import ImagingError
from imaging.physics import OPERATORS, LinearOperator
from imaging.physics.operator import Photograph
from imaging.randomness import generator

DIGIT, EVEN = {"name": "digit"}, {"name": "gaussian", "sigma": 1.0, "size": 4}
SIZES = [(1, 1, 8, 8), (2, 3, 9, 12), (3, 1, 12, 9)]
RGB = [(1, 3, 8, 8), (2, 3, 9, 12), (3, 3, 11, 9)]
HALVES, THIRDS, FOURTHS = (
    [(1, 1, s, s), (2, 3, s, s + factor), (3, 1, s + 2 * factor, s)]
    for factor, s in ((2, 8), (3, 12), (4, 16))
)
PIXEL = [(1, 1, 8, 7), (2, 3, 8, 7), (3, 1, 8, 7)]
# The config of each operator, and shapes of images that it takes. The first is small, for dense matrices.
TABLE = {
    "identity": ({"name": "identity"}, SIZES),
    "rows": ({"name": "mask", "rows": [2, 4]}, SIZES),
    "random pixels": ({"name": "mask", "lost": 0.4}, SIZES),
    "digit blur": ({"name": "blur", "psf": DIGIT}, SIZES),
    "even-sized blur": ({"name": "blur", "psf": EVEN}, SIZES),
    "motion blur": ({"name": "blur", "psf": {"name": "motion", "length": 5, "angle": 30}}, SIZES),
    "valid blur": ({"name": "blur", "psf": DIGIT, "boundary": "valid"}, SIZES),
    "even-sized valid blur": ({"name": "blur", "psf": EVEN, "boundary": "valid"}, SIZES),
    "reflected blur": ({"name": "blur", "psf": DIGIT, "boundary": "reflect"}, SIZES),
    "even-sized reflected blur": ({"name": "blur", "psf": EVEN, "boundary": "reflect"}, SIZES),
    "zero blur": ({"name": "blur", "psf": DIGIT, "boundary": "zero"}, SIZES),
    "even-sized zero blur": ({"name": "blur", "psf": EVEN, "boundary": "zero"}, SIZES),
    "random blur, without a draw": ({"name": "random_blur", "psf": DIGIT}, SIZES),
    "bicubic by 2": ({"name": "downsampling", "factor": 2}, HALVES),
    "bicubic by 3": ({"name": "downsampling", "factor": 3}, THIRDS),
    "bicubic by 4": ({"name": "downsampling", "factor": 4}, FOURTHS),
    "gaussian by 3": ({"name": "downsampling", "factor": 3, "kernel": "gaussian", "sigma": 1.0}, THIRDS),
    "box by 2": ({"name": "downsampling", "factor": 2, "kernel": "box"}, HALVES),
    "rggb": ({"name": "mosaic"}, RGB),
    "gbrg": ({"name": "mosaic", "pattern": "gbrg"}, RGB),
    "single pixel": ({"name": "single_pixel", "measurements": 20, "size": [8, 7]}, PIXEL),
    "as many patterns as pixels": ({"name": "single_pixel", "measurements": 56, "size": [8, 7]}, PIXEL),
}
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=TABLE, ids=list(TABLE))
def operator(request):
    operator = OPERATORS.build(TABLE[request.param][0])
    operator.shapes = TABLE[request.param][1]
    return operator


def images(shape, *keys, dtype=torch.float64):
    return torch.randn(shape, generator=generator(0, "test", *keys), dtype=dtype)


def measurements(operator, shape, *keys):
    return images((shape[0], *operator.output_shape(shape[1:])), *keys)


def problem(operator, shape):
    """y, z and weights of a `solve`, float64."""
    weights = torch.linspace(0.05, 0.5, shape[0], dtype=torch.float64)[:, None, None, None]
    return measurements(operator, shape, "y"), images(shape, "z"), weights


def dense(operator, shape):
    """A as a matrix, float64: its columns are the measurements of the images with one pixel that is 1."""
    pixels = int(np.prod(shape[1:]))
    return operator(torch.eye(pixels, dtype=torch.float64).view(pixels, *shape[1:])).flatten(1).T.numpy()


def test_adjointness(operator):
    for shape in operator.shapes:
        x, y = images(shape, "x"), measurements(operator, shape, "y")
        left, right = (operator(x) * y).sum().item(), (x * operator.adjoint(y)).sum().item()
        assert left == pytest.approx(right, rel=1e-10)


def test_linearity(operator):
    for shape in operator.shapes:
        for apply, draw in ((operator, images), (operator.adjoint, partial(measurements, operator))):
            a, b = draw(shape, "a"), draw(shape, "b")
            assert torch.allclose(apply(2 * a - 3 * b), 2 * apply(a) - 3 * apply(b), atol=1e-12)


def test_the_shapes_are_those_that_it_says(operator):
    for shape in operator.shapes:
        y = operator(images(shape, "x"))
        assert y.shape == (shape[0], *operator.output_shape(shape[1:]))
        assert operator.adjoint(y).shape == shape
        assert operator.input_shape(y.shape[1:]) == shape[1:]
        assert operator.keeps_shape == (y.shape == shape)


def test_a_size_that_it_does_not_take_is_refused_before_anything_is_computed(operator):
    def outcome(function, *arguments):
        try:
            return tuple(function(*arguments))
        except ImagingError as error:
            return str(error)

    for shape in [(1, 1, 2), (2, 5, 7), (3, 2, 3), (3, 30, 31)]:
        measured = outcome(lambda shape: operator(images((1, *shape), "x")).shape[1:], shape)
        assert measured == outcome(operator.output_shape, shape)
        assert "\n" not in str(measured)


def test_a_preview_is_an_image_of_xs_shape(operator):
    for shape in operator.shapes:
        y = operator(images(shape, "x").float())
        preview = operator.preview(y)
        assert preview.shape == shape
        assert preview.dtype == y.dtype
    assert operator.photograph in get_args(Photograph)


def test_solve_is_the_least_squares_solution(operator):
    """Against numpy's of the stacked system, A x = y and √weight x = √weight z."""
    shape = operator.shapes[0]
    matrix, (y, z, weight) = dense(operator, shape), problem(operator, shape)
    root = weight.item() ** 0.5
    stacked = np.vstack([matrix, root * np.eye(z.numel())])
    right = np.concatenate([y.flatten().numpy(), root * z.flatten().numpy()])
    expected = np.linalg.lstsq(stacked, right)[0]
    x = operator.solve(y, z, weight, tolerance=1e-12)
    np.testing.assert_allclose(x.flatten(), expected, atol=1e-9)


def test_closed_forms_agree_with_conjugate_gradients(operator):
    for shape in operator.shapes:
        y, z, weight = problem(operator, shape)
        closed = operator.solve(y, z, weight)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(operator), "_invert", LinearOperator._invert)
            iterated = LinearOperator._solve(operator, y, z, weight, 1e-12, 500)
        assert torch.allclose(closed, iterated, atol=1e-5)


def test_solves_gradient_is_that_of_finite_differences(operator):
    y, z, weight = (t[:2] for t in problem(operator, operator.shapes[-1]))
    for one in (4 * weight, torch.tensor(0.3, dtype=torch.float64)):
        arguments = tuple(t.requires_grad_() for t in (y, z, one))
        assert torch.autograd.gradcheck(
            lambda *arguments: operator.solve(*arguments, tolerance=1e-12), arguments, fast_mode=True
        )


def test_a_weight_may_be_a_number_a_scalar_or_one_for_each_image(operator):
    y, z, _ = problem(operator, operator.shapes[-1])
    x = operator.solve(y, z, 0.25)
    for weight in (torch.tensor(0.25), torch.full((len(z), 1, 1, 1), 0.25)):
        assert torch.equal(operator.solve(y, z, weight), x)
    for weight in (0, -1.0, float("nan")):
        with pytest.raises(ImagingError, match="the weight of a solve is"):
            operator.solve(y, z, weight)


def test_solve_without_evidence_is_z_and_with_little_weight_fits_y(operator):
    x = images(operator.shapes[-1], "x")
    y, z = operator(x), torch.zeros_like(x)
    assert torch.allclose(operator.solve(y, x, 0.1), x, atol=1e-10)
    assert torch.allclose(operator.solve(y, z, 1e8), z, atol=1e-6)
    assert (operator(operator.solve(y, z, 1e-6)) - y).square().mean() < 1e-3 * y.square().mean()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_dtype_and_device_are_kept(operator, dtype, device):
    shape = operator.shapes[1]
    x, y = images(shape, "x").to(device, dtype), measurements(operator, shape, "y").to(device, dtype)
    results = operator(x), operator.adjoint(y), operator.preview(y), operator.solve(y, x, 0.1)
    assert {(t.dtype, t.device) for t in results} == {(dtype, x.device)}


@pytest.mark.parametrize("device", DEVICES)
def test_single_precision_agrees_with_double(operator, device):
    shape = operator.shapes[1]
    x, y = images(shape, "x"), measurements(operator, shape, "y")
    low_x, low_y = x.float().to(device), y.float().to(device)
    assert torch.allclose(operator(low_x).double().cpu(), operator(x), atol=1e-5)
    assert torch.allclose(operator.adjoint(low_y).double().cpu(), operator.adjoint(y), atol=1e-5)
    for weight in (1.0, 1e-3):
        exact, low = operator.solve(y, x, weight, 1e-10), operator.solve(low_y, low_x, weight)
        assert (low.double().cpu() - exact).norm() < 1e-4 * exact.norm()


def test_autocast_changes_nothing(operator):
    shape = operator.shapes[1]
    x, y = images(shape, "x").float(), measurements(operator, shape, "y").float()

    def results():
        return operator(x), operator.adjoint(y), operator.solve(y, x, 0.1)

    with torch.autocast("cpu", torch.bfloat16):
        low = results()
    assert all(torch.equal(a, b) for a, b in zip(low, results(), strict=True))


def test_each_image_is_treated_alone(operator):
    for shape in operator.shapes:
        x, (y, z, weight) = images(shape, "x"), problem(operator, shape)
        # Rounding may end the conjugate gradients of an image an iteration later: within their tolerance.
        solve = partial(operator.solve, tolerance=1e-10)
        for apply, inputs, bound in (
            (operator, (x,), 1e-12),
            (operator.adjoint, (y,), 1e-12),
            (operator.preview, (y,), 1e-12),
            (solve, (y, z, weight), 1e-8),
        ):
            alone = torch.cat([apply(*(t[i : i + 1] for t in inputs)) for i in range(len(x))])
            assert torch.allclose(apply(*inputs), alone, atol=bound)


def test_channels_do_not_mix(operator):
    if operator.photograph == "mosaic":
        pytest.skip("a mosaic is measured of three channels")
    for shape in operator.shapes:
        x = images(shape, "x")
        alone = torch.cat([operator(x[:, c : c + 1]) for c in range(shape[1])], dim=1)
        assert torch.allclose(operator(x), alone, atol=1e-12)


def test_gradients_are_the_adjoint_and_the_operator(operator):
    shape = operator.shapes[1]
    x, y = images(shape, "x").requires_grad_(), measurements(operator, shape, "y").requires_grad_()
    (gradient,) = torch.autograd.grad(operator(x), x, y)
    assert torch.allclose(gradient, operator.adjoint(y), atol=1e-12)
    (gradient,) = torch.autograd.grad(operator.adjoint(y), y, x)
    assert torch.allclose(gradient, operator(x), atol=1e-12)


def test_layout_does_not_matter(operator):
    shape = operator.shapes[1]
    x, y = images(shape, "x").float(), measurements(operator, shape, "y").float()
    last = [t.contiguous(memory_format=torch.channels_last) for t in (y, x)]
    assert torch.allclose(operator(last[1]), operator(x), atol=1e-6)
    assert torch.allclose(operator.adjoint(last[0]), operator.adjoint(y), atol=1e-6)
    assert torch.allclose(operator.solve(*last, 0.1), operator.solve(y, x, 0.1), atol=1e-4)


def test_inputs_are_left_alone(operator):
    y, z, weight = problem(operator, operator.shapes[1])
    before = [t.clone() for t in (y, z, weight)]
    operator(z)
    operator.adjoint(y)
    operator.preview(y)
    operator.solve(y, z, weight)
    assert all(torch.equal(a, b) for a, b in zip(before, (y, z, weight), strict=True))


def test_what_inference_computed_can_be_trained_with_later(operator):
    y, z, weight = problem(operator, operator.shapes[1])
    with torch.inference_mode():
        operator.solve(y, z, weight)
    z.requires_grad_()
    operator.solve(y, z, weight).square().sum().backward()
    assert z.grad.isfinite().all()


def test_nothing_is_learnt_and_nothing_is_saved(operator):
    y, z, weight = problem(operator, operator.shapes[1])
    operator.solve(y, z, weight)
    assert list(operator.parameters()) == []
    assert operator.state_dict() == {}


def test_every_registered_operator_is_in_the_table():
    assert {config["name"] for config, _ in TABLE.values()} == set(OPERATORS.names())


def test_every_operator_has_an_example(operator):
    assert ">>>" in type(operator).__doc__
