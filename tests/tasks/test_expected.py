"""The expected PSNR of restored images against the true one."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.randomness import generator
from imaging.tasks import build_task
from imaging.tasks.expected import expected_psnr

SIDE = 96
NAMES = ["a", "b"]


def task(operator=None, noise=None, **changes):
    config = {
        "task": {"name": "reconstruction"},
        "loss": {"name": "mse"},
        "model": {"name": "wiener", "psf": operator["psf"], "snr": 100.0}
        if operator
        else {"name": "dncnn", "channels": 1, "hidden_channels": 4, "depth": 3, "bias": False},
        "physics": {"operator": operator or {"name": "identity"}, "noise": noise or {"sigma": 0.1}},
        "optimizer": {"name": "adam"},
        "schedule": {"name": "constant"},
        "seed": 0,
    }
    return build_task(config | changes).eval()


def scenes(low=0.2, high=0.8):
    """Two smooth images (2, 1, SIDE, SIDE)."""
    grid = torch.linspace(0, 6, SIDE)
    waves = torch.stack([torch.sin(grid)[:, None] * torch.cos(k * grid)[None] for k in (1, 2)])[:, None]
    return low + (high - low) * (waves + 1) / 2


@pytest.mark.parametrize("noise", [{"sigma": 0.1}, {"name": "poisson", "peak": 30.0}])
def test_it_is_near_the_true_psnr(noise):
    one, x = task(noise=noise), scenes()
    level = one.physics.noise.typical_level
    y = one.measure(x, generator("noise"), level)
    x_hat = one.restore(y)
    expected, before = expected_psnr(one, y, x_hat, NAMES, level)
    # One standard deviation of the noise's own fluctuation is sqrt(2 / N) of its variance: 0.07 dB here.
    torch.testing.assert_close(expected, psnr(x_hat, x), atol=0.3, rtol=0)
    torch.testing.assert_close(before, psnr(y, x), atol=0.3, rtol=0)


def test_pairs_need_no_level():
    one, x = task(), scenes()
    y, again = (one.measure(x, generator("noise", i), 0.07) for i in range(2))
    x_hat = one.restore(y)
    expected, before = expected_psnr(one, y, x_hat, NAMES, 0.3, again)  # a wrong level
    torch.testing.assert_close(expected, psnr(x_hat, x), atol=0.3, rtol=0)
    torch.testing.assert_close(before, psnr(y, x), atol=0.3, rtol=0)


def test_of_other_operators_it_is_the_error_of_what_they_show():
    one, x = task({"name": "blur", "psf": {"name": "gaussian", "sigma": 1.0, "size": None}}), scenes()
    operator = one.physics.operator
    y = one.measure(x, generator("noise"), 0.1)
    x_hat = one.restore(y)
    expected, _ = expected_psnr(one, y, x_hat, NAMES, 0.1)
    weighed = (operator.solve(operator(image), torch.zeros_like(x), 0.01) for image in (x_hat, x))
    torch.testing.assert_close(expected, psnr(*weighed), atol=0.5, rtol=0)


def test_an_error_that_cannot_be_told_from_none_is_that_of_the_noise():
    one, x = task(), scenes()[:1]
    y, again = (one.measure(x, generator("noise", i), 0.1) for i in range(2))
    expected, _ = expected_psnr(one, y, again, ["a"], 0.1, again)  # x_hat = y': its estimate is negative
    noise = (y - again).square().mean() / 2
    bound = -10 * torch.log10(noise * (2 / SIDE**2) ** 0.5)
    assert torch.isfinite(expected).all()
    assert expected.item() == pytest.approx(bound.item(), abs=1e-3)


def test_clipped_elements_do_not_count():
    """A clipped image has less noise in the dark, which the estimate would take for a small error."""
    one, x = task(), scenes(low=0.0, high=0.6)
    y = one.measure(x, generator("noise"), 0.1)
    restored = [one.restore(image) for image in (y, y.clamp(0, 1))]
    (free, _), (clipped, _) = (
        expected_psnr(one, image, x_hat, NAMES, 0.1)
        for image, x_hat in zip((y, y.clamp(0, 1)), restored, strict=True)
    )
    torch.testing.assert_close(free, psnr(restored[0], x), atol=0.3, rtol=0)
    torch.testing.assert_close(clipped, psnr(restored[1], x), atol=1.0, rtol=0)


def test_a_saturated_image_is_refused():
    y = torch.ones(1, 1, SIDE, SIDE)
    with pytest.raises(
        ImagingError, match=r"^sigma is too large for an image, or .* saturated: less than 2%"
    ):
        expected_psnr(task(), y, y, ["a"], 0.1)


def test_probes_depend_on_the_image_alone():
    one, x = task(), scenes()
    y = one.measure(x, generator("noise"), 0.1)
    x_hat = one.restore(y)
    together = expected_psnr(one, y, x_hat, NAMES, 0.1)[0]
    alone = [expected_psnr(one, y[i : i + 1], x_hat[i : i + 1], [NAMES[i]], 0.1)[0] for i in (1, 0)]
    torch.testing.assert_close(together, torch.cat(alone[::-1]), atol=1e-3, rtol=0)
