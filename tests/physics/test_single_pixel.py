"""The single-pixel camera against numpy. Linearity, adjoint and solve: test_linear_operators.py."""

import numpy as np
import pytest
import torch

from imaging.errors import ImagingError
from imaging.physics import SinglePixel
from imaging.randomness import generator


def test_is_a_matrix_product_of_numpy():
    camera = SinglePixel(measurements=40, size=[8, 9])
    x = np.random.default_rng(0).random((2, 3, 8, 9))
    patterns = camera.patterns().numpy()
    assert np.array_equal(np.unique(patterns), np.array([-1, 1]) / np.sqrt(72))
    y = camera(torch.from_numpy(x))
    assert y.shape == (2, 3, 1, 40)
    np.testing.assert_allclose(y[:, :, 0], x.reshape(2, 3, 72) @ patterns.T)


def test_patterns_are_balanced_and_independent():
    patterns = SinglePixel(measurements=400).patterns()
    assert abs(patterns.mean() * 28) < 4 / (400 * 784) ** 0.5
    gram = patterns @ patterns.T - torch.eye(400)
    assert gram.square().mean().item() == pytest.approx(1 / 784, rel=0.05)


def test_patterns_depend_on_seed_size_and_number_alone():
    torch.manual_seed(0)
    first = SinglePixel(measurements=10, size=[4, 5], seed=1).patterns()
    torch.manual_seed(1)
    assert torch.equal(SinglePixel(measurements=10, size=[4, 5], seed=1).patterns(), first)
    assert not torch.equal(SinglePixel(measurements=10, size=[4, 5], seed=2).patterns(), first)
    assert not torch.equal(SinglePixel(measurements=10, size=[5, 4], seed=1).patterns(), first)


def test_a_measurement_is_as_large_as_the_image():
    x = torch.randn(50, 1, 28, 28, generator=generator("images"))
    y = SinglePixel(measurements=500)(x)
    assert y.square().mean().item() == pytest.approx(x.square().mean().item(), rel=0.05)


def test_the_mean_preview_over_many_patterns_is_the_image():
    x = torch.rand(1, 1, 4, 4, generator=generator("image"))
    cameras = [SinglePixel(measurements=8, size=[4, 4], seed=seed) for seed in range(2000)]
    mean = torch.stack([camera.preview(camera(x)) for camera in cameras]).mean(0)
    torch.testing.assert_close(mean, x, atol=0.08, rtol=0)


def test_its_eigenvectors_are_computed_once(monkeypatch):
    calls = []
    eigh = torch.linalg.eigh
    monkeypatch.setattr(torch.linalg, "eigh", lambda matrix: calls.append(matrix.shape) or eigh(matrix))
    camera = SinglePixel(measurements=5, size=[4, 4])
    for dtype in (torch.float32, torch.float64, torch.float32):
        camera.solve(torch.rand(1, 1, 1, 5, dtype=dtype), torch.zeros(1, 1, 4, 4, dtype=dtype), 0.1)
    assert calls == [(5, 5)]


def test_wrong_sizes_and_settings():
    message = r"images are 32 x 28, but physics.operator.size is \[28,28\]: set it"
    with pytest.raises(ImagingError, match=message):
        SinglePixel()(torch.rand(1, 1, 32, 28))
    with pytest.raises(ImagingError, match=r"measurements is 196, and one measurement is \(C, 1, 196\)"):
        SinglePixel().adjoint(torch.rand(1, 1, 1, 195))
    with pytest.raises(ImagingError, match=r"size is \[28\]; expected \[height, width\] in pixels"):
        SinglePixel(size=[28])
    with pytest.raises(ImagingError, match="measurements is 0"):
        SinglePixel(measurements=0)
