"""The references of the lessons against the package's own functions and finite differences."""

import pytest
import torch
from bar import EXERCISES

from imaging.autograd import LinearFunction, ReLUFunction
from imaging.lessons.checking.naming import candidates
from imaging.lessons.exercise import same
from imaging.lessons.spectra import difference_transfers, differences, draw, transfer
from imaging.metrics import psnr
from imaging.models.wiener import Wiener
from imaging.physics.operators.blur import otf

INPUTS = [(name, index) for name, e in EXERCISES.items() for index in range(len(e.inputs))]


def both(name: str, index: int) -> tuple[dict, tuple]:
    """An input's arguments, and the reference's outputs."""
    arguments = EXERCISES[name].inputs[index].make()
    return arguments, EXERCISES[name].reference(*arguments.values())


@pytest.mark.parametrize(("name", "index"), [i for i in INPUTS if EXERCISES[i[0]].numerical])
def test_gradients_are_those_of_finite_differences(name, index):
    arguments, outputs = both(name, index)
    for a, b in zip(outputs, EXERCISES[name].numerical(*arguments.values()), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("index", range(4))
def test_backward_passes_are_those_of_the_package(index):
    a, outputs = both("linear_backward", index)
    leaves = [a["x"], a["weight"], torch.zeros(len(a["weight"]), dtype=torch.float64)]
    y = LinearFunction.apply(*(leaf.requires_grad_() for leaf in leaves))
    assert all(map(torch.allclose, outputs, torch.autograd.grad(y, leaves, a["grad_y"])))
    a, outputs = both("relu_backward", index)
    y = ReLUFunction.apply(a["x"].requires_grad_())
    assert torch.equal(outputs[0], torch.autograd.grad(y, a["x"], a["grad_y"])[0])


@pytest.mark.parametrize("index", range(3))
def test_psnr_is_that_of_the_package(index):
    a, outputs = both("mean_psnr", index)
    assert torch.allclose(outputs[0].float(), psnr(a["x_hat"], a["x"]).mean())


@pytest.mark.parametrize("index", range(5))
def test_otf_is_that_of_the_package(index):
    a, outputs = both("otf", index)
    half = otf(a["psf"], a["size"])
    assert torch.allclose(outputs[0][:, : half.shape[1]], half)


@pytest.mark.parametrize("index", range(4))
def test_wiener_filter_is_that_of_the_package(index, monkeypatch):
    a, outputs = both("wiener", index)
    model = Wiener({"name": "digit"}, float(a["snr"]))
    half = a["H"][:, : a["y"].shape[1] // 2 + 1]
    monkeypatch.setattr("imaging.models.wiener.otf", lambda psf, size: half)
    assert torch.allclose(outputs[0], model(a["y"][None, None])[0, 0])


@pytest.mark.parametrize("index", range(3))
def test_updates_minimise_their_objectives(index):
    a, (x,) = both("update_x", index)
    y, z, u, rho = a["y"], a["z"], a["u"], a["rho"]

    def objective(x):
        blurred = torch.fft.ifft2(a["H"] * torch.fft.fft2(x)).real
        return (blurred - y).square().sum() / 2 + rho / 2 * (differences(x) - z + u).square().sum()

    (slope,) = torch.autograd.grad(objective(x.requires_grad_()), x)
    assert slope.abs().max() < 1e-10

    a, (z,) = both("update_z", index)
    v, weight = a["grad_x"] + a["u"], a["lam"] / a["rho"]

    def penalty(z):
        return weight * z.norm(dim=0).sum() + (v - z).square().sum() / 2

    assert all(penalty(z) <= penalty(z + 1e-3 * (draw(*z.shape, key=str(k)) - 0.5)) for k in range(50))


def test_transfer_functions_of_the_differences():
    x = draw(5, 6, key="x")
    by_product = torch.fft.ifft2(difference_transfers((5, 6)) * torch.fft.fft2(x)).real
    assert torch.allclose(by_product, differences(x))
    assert torch.allclose(transfer((3, 2), (5, 6))[0, 0].real, torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("name", EXERCISES)
def test_every_known_mistake_differs_from_the_reference(name):
    """Otherwise a right solution could not be told from it, or its name would never be said."""
    known = candidates(EXERCISES[name])
    for mistake in EXERCISES[name].mistakes:
        outputs = [
            (known.outputs((mistake,), i), known.outputs((), i)) for i, _ in enumerate(known.exercise.inputs)
        ]
        assert any(wrong and not all(map(same, wrong, right)) for wrong, right in outputs), mistake.name
