"""imaging export"""

import pytest
import torch

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
