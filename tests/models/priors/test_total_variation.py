"""Total variation and its proximal map, against scikit-image."""

import pytest
import torch
from skimage.data import camera
from skimage.restoration import denoise_tv_chambolle

from imaging.models.priors.total_variation import TotalVariation, divergence, gradient


def test_divergence_is_minus_the_adjoint_of_the_gradient():
    x, p = torch.rand(2, 3, 7, 8, dtype=torch.float64), torch.rand(2, 2, 3, 7, 8, dtype=torch.float64)
    assert (gradient(x) * p).sum().item() == pytest.approx(-(x * divergence(p)).sum().item())


def test_the_value_is_the_sum_of_the_lengths_of_the_gradients():
    x = torch.zeros(1, 1, 6, 6)
    x[..., 2:4, 1:5] = 2.0
    lengths = 2 * (2 + 4 * 2 - 1 + 2 - 1) + 2 * 2**0.5  # three sides alone, and one pixel on two of them
    assert TotalVariation().value(x).item() == pytest.approx(lengths)
    assert TotalVariation().value(x.expand(3, 2, 6, 6)).tolist() == pytest.approx([2 * lengths] * 3)


@pytest.mark.parametrize("weight", [0.05, 0.3])
def test_the_proximal_map_is_scikit_images(weight):
    v = torch.from_numpy(camera()[200:240, 200:248].copy() / 255)[None, None]
    v = v + 0.05 * torch.randn(v.shape, generator=torch.Generator().manual_seed(0), dtype=v.dtype)
    found = TotalVariation(iterations=2000)(v, torch.full((1, 1, 1, 1), weight, dtype=v.dtype), {})
    expected = denoise_tv_chambolle(v[0, 0].numpy(), weight=weight, eps=1e-12, max_num_iter=30000)
    assert (found[0, 0] - torch.from_numpy(expected)).abs().max() < 2e-3


def test_a_call_goes_on_from_the_dual_of_the_one_before():
    v = torch.rand(1, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    variance = torch.full((1, 1, 1, 1), 0.2, dtype=v.dtype)
    exact, memory = TotalVariation(iterations=3000)(v, variance, {}), {}
    errors = [
        (TotalVariation(iterations=5)(v, variance, memory) - exact).abs().max().item() for _ in range(20)
    ]
    assert errors[-1] < errors[0] / 8


def test_a_flat_image_has_gradients():
    v = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    v[..., 3:9, 3:9] = 1
    variance = torch.full((1, 1, 1, 1), 0.01, dtype=torch.float64)
    v.requires_grad_()
    TotalVariation()(v, variance, {}).square().sum().backward()
    assert torch.isfinite(v.grad).all()
    assert torch.autograd.gradcheck(lambda v: TotalVariation(2)(v, 4 * variance, {}), v)


def test_each_image_of_a_batch_has_its_own_weight():
    v = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    variance = torch.tensor([0.01, 0.5]).reshape(2, 1, 1, 1)
    together = TotalVariation()(v, variance, {})
    for n in range(2):
        assert torch.allclose(together[n : n + 1], TotalVariation()(v[n : n + 1], variance[n : n + 1], {}))
