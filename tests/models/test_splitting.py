"""ADMM and half-quadratic splitting, with any operator and any prior."""

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.restoration import denoise_tv_chambolle

from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.models import build_model
from imaging.physics import OPERATORS
from imaging.randomness import generator

TV = {"name": "total_variation"}
BLUR = {"name": "blur", "psf": {"name": "gaussian", "sigma": 1.0, "size": 5}}


def solver(name, operator, prior=TV, strength=1.0, **settings):
    model = build_model({"name": name, "operator": operator, "prior": prior, **settings})
    model.strength.fill_(strength)
    return model


def measured(operator, x, sigma):
    y = OPERATORS.build(operator)(x)
    return y + sigma * torch.randn(y.shape, generator=generator("splitting"), dtype=y.dtype)


def discs(dtype=torch.float64):
    x = torch.zeros(1, 1, 20, 24, dtype=dtype)
    x[..., 5:13, 8:20], x[..., 9:, :5] = 0.8, 0.4
    return x


def photograph():
    return torch.from_numpy(astronaut()[:96, 180:276].copy()).permute(2, 0, 1)[None] / 255


def sigmas(value, dtype=torch.float64):
    return torch.full((1, 1, 1, 1), value, dtype=dtype)


def primal_dual(apply, adjoint, y, weight, iterations=6000):
    """The minimum of |A x - y|²/2 + weight Σ|∇x| by Chambolle and Pock 2011, algorithm 1, in numpy."""

    def gradient(x):
        return np.stack([np.diff(x, axis=0, append=x[-1:]), np.diff(x, axis=1, append=x[:, -1:])])

    def transposed(p):
        down = -np.diff(p[0][:-1], axis=0, prepend=0 * p[0][:1], append=0 * p[0][:1])
        right = -np.diff(p[1][:, :-1], axis=1, prepend=0 * p[1][:, :1], append=0 * p[1][:, :1])
        return down + right

    def objective(x):
        return ((apply(x) - y) ** 2).sum() / 2 + weight * np.sqrt((gradient(x) ** 2).sum(0)).sum()

    x = ahead = adjoint(y)
    q, p, step = 0 * y, 0 * gradient(x), 1 / 3  # the norm of (A, ∇) is at most 3
    for _ in range(iterations):
        q = (q + step * (apply(ahead) - y)) / (1 + step)
        p = p + step * gradient(ahead)
        p = p / np.maximum(1, np.sqrt((p**2).sum(0)) / weight)
        x, before = x - step * (adjoint(q) + transposed(p)), x
        ahead = 2 * x - before
    return objective(x), objective


@pytest.mark.parametrize("strength", [16, 64])
@pytest.mark.parametrize("operator", [BLUR, {"name": "mask", "lost": 0.3}], ids=["blur", "mask"])
def test_admm_reaches_the_minimum_that_another_method_finds(operator, strength):
    a, y = OPERATORS.build(operator), measured(operator, discs(), 0.02)

    def on_images(function):
        return lambda x: function(torch.from_numpy(x)[None, None])[0, 0].numpy()

    least, objective = primal_dual(on_images(a), on_images(a.adjoint), y[0, 0].numpy(), strength * 0.02**2)
    model = solver("admm", operator, strength=strength, iterations=100)
    x_hat = model(y, sigmas(0.02))
    assert objective(x_hat[0, 0].numpy()) == pytest.approx(least, rel=1e-4)
    assert model.trace[-1]["objective"].item() == pytest.approx(objective(x_hat[0, 0].numpy()))


def test_with_the_identity_it_denoises_as_scikit_image():
    y = measured({"name": "identity"}, discs(), 0.1)
    x_hat = solver("admm", {"name": "identity"}, strength=10, iterations=200)(y, sigmas(0.1))
    expected = denoise_tv_chambolle(y[0, 0].numpy(), weight=10 * 0.1**2, eps=1e-9, max_num_iter=3000)
    assert np.abs(x_hat[0, 0].numpy() - expected).max() < 2e-3


def test_the_residuals_of_each_iteration_are_kept_and_fall():
    model = solver("admm", BLUR, strength=16, iterations=40)
    x = discs().expand(2, -1, -1, -1)
    model(measured(BLUR, x, 0.02), sigmas(0.02).expand(2, -1, -1, -1))
    assert len(model.trace) == 40
    for name in ("primal", "dual"):
        values = torch.stack([step[name] for step in model.trace])
        assert values.shape == (40, 2)
        assert (values[-1] < values[0] / 30).all()
    model(measured(BLUR, x, 0.02), sigmas(0.02).expand(2, -1, -1, -1))
    assert len(model.trace) == 40  # of the last call alone


SOLVERS = {
    "admm": {"strength": 8.0, "iterations": 40},
    "hqs": {
        "prior": {"name": "denoiser", "network": "denoiser-blind-64"},
        "strength": 0.5,
        "first_sigma": 0.1,
    },
}


GAINS = [  # in dB, of ADMM with total variation and of HQS with a denoiser
    (BLUR, (2, 3)),
    (BLUR | {"boundary": "valid"}, (1, 1)),
    ({"name": "mask", "lost": 0.5}, (10, None)),  # a blind denoiser takes lost pixels for details
    ({"name": "downsampling", "factor": 2}, (0.1, 0.5)),
    ({"name": "single_pixel", "measurements": 1200, "size": [40, 48]}, (5, 6)),
]


@pytest.mark.parametrize(
    ("name", "operator", "gain"),
    [(name, operator, g) for operator, gains in GAINS for name, g in zip(SOLVERS, gains, strict=True) if g],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_any_operator_gains_on_its_preview(name, operator, gain):
    x = photograph()[..., :40, :48]
    y, model = measured(operator, x, 0.01), solver(name, operator, **SOLVERS[name])
    x_hat, preview = model(y, sigmas(0.01, torch.float32)), OPERATORS.build(operator).preview(y)
    assert x_hat.shape == x.shape
    assert x_hat.dtype == torch.float32
    assert psnr(x_hat, x) > psnr(preview, x) + gain


def test_a_denoiser_also_removes_the_mosaic():
    x, operator = photograph()[..., :40, :48], {"name": "mosaic"}
    y, model = measured(operator, x, 0.01), solver("hqs", operator, **SOLVERS["hqs"] | {"iterations": 30})
    assert psnr(model(y, sigmas(0.01, torch.float32)), x) > psnr(OPERATORS.build(operator).preview(y), x) + 1


@pytest.mark.parametrize("name", ["admm", "hqs"])
def test_it_can_be_told_another_operator_than_its_own(name):
    other = {"name": "blur", "psf": {"name": "digit"}}
    y, model = measured(other, discs(), 0.01), solver(name, BLUR, strength=8)
    told = model(y, sigmas(0.01), OPERATORS.build(other))
    assert torch.equal(told, solver(name, other, strength=8)(y, sigmas(0.01)))
    assert not torch.allclose(told, model(y, sigmas(0.01)), atol=1e-2)


def test_hqs_ends_at_the_measured_noise_and_starts_at_the_first():
    levels = []

    class Prior(torch.nn.Module):
        explicit = False

        def forward(self, v, variance, memory):
            levels.append(variance.sqrt().item())
            return v

    model = solver("hqs", BLUR, first_sigma=0.1, iterations=5)
    model.prior = Prior()
    model(measured(BLUR, discs(), 0.01), sigmas(0.01))
    np.testing.assert_allclose(levels, np.geomspace(0.1, 0.01, 5), rtol=1e-6)
    levels.clear()
    model(measured(BLUR, discs(), 0.2), sigmas(0.2))  # more noise than the first level
    np.testing.assert_allclose(levels, 0.2)


@pytest.mark.parametrize("name", ["admm", "hqs"])
def test_a_trained_denoiser_is_a_better_prior_than_total_variation(name):
    x = photograph()
    operator, sigma = {"name": "blur", "psf": {"name": "digit"}}, sigmas(0.01, torch.float32)
    y = measured(operator, x, 0.01)
    denoiser = {"name": "denoiser", "network": "denoiser-blind-64"}
    settings = {"admm": {"strength": 2.0, "iterations": 15}, "hqs": {"strength": 0.5, "first_sigma": 0.1}}[
        name
    ]
    found = psnr(solver(name, operator, denoiser, **settings)(y, sigma), x)
    best = max(psnr(solver("admm", operator, strength=s, iterations=60)(y, sigma), x) for s in (2.0, 8.0))
    assert found > best + 1


def test_a_prior_that_does_not_exist_is_named():
    with pytest.raises(ImagingError, match=r"unknown model\.prior 'tv'.*there are: .*total_variation"):
        solver("admm", BLUR, {"name": "tv"})
