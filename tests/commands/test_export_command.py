"""imaging export"""

import pytest
import torch

from imaging.formats.networks import load_network

pytestmark = pytest.mark.usefixtures("shapes_unchecked")


def test_a_run_is_exported(imaging, run, tmp_path):
    status, printed, _ = imaging("export", run, "network.pt2")
    assert status == 0
    assert "network.pt2: takes float32 (1, 3, H, W) of any height and width" in printed
    x_hat = torch.export.load(tmp_path / "network.pt2").module()(torch.rand(1, 3, 20, 30))
    assert x_hat.shape == (1, 3, 20, 30)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["network.onnx"], "cannot export to network.onnx: expected a name that ends in .pt2"),
        (["network.pt2", "--size", "0", "5"], "the size is 0 × 5; expected positive numbers of pixels"),
        (["network.pt2", "--device", "abacus"], "abacus"),
    ],
)
def test_a_mistake_is_reported_in_one_line(words, message, imaging, run):
    status, _, complained = imaging("export", run, *words)
    assert (status, complained.count("\n")) == (2, 1)
    assert message in complained


def test_a_network_for_any_blur_is_exported_for_one(imaging, tmp_path):
    status, _, complained = imaging("export", "deconvolver", "any.pt2", "--size", "64", "64")
    assert (status, complained.count("\n")) == (2, 1)
    assert "give its psf, e.g. --psf gaussian:1.5" in complained
    assert imaging("export", "deconvolver", "one.pt2", "--size", "64", "64", "--psf", "gaussian:1")[0] == 0
    y = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    sigma = torch.full((1, 1, 1, 1), 0.01)
    x_hat = torch.export.load(tmp_path / "one.pt2").module()(y, sigma)
    task, _ = load_network("deconvolver", "cpu", {"name": "gaussian", "sigma": 1.0})
    torch.testing.assert_close(x_hat, task.restore(y, sigma), atol=1e-4, rtol=0)
