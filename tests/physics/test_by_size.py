"""What is computed once for each image size."""

import torch

from imaging.physics.by_size import BySize

CPU = torch.device("cpu")


def test_each_size_and_dtype_is_computed_once():
    asked = []
    ones = BySize(lambda size: asked.append(size) or torch.ones(size, dtype=torch.float64))
    for size, dtype in [((2, 3), torch.float32), ((2, 3), torch.float32), ((3, 2), torch.float32)]:
        assert torch.equal(ones(size, CPU, dtype), torch.ones(size))
    assert asked == [(2, 3), (3, 2)]
    assert ones((2, 3), CPU, torch.float16).dtype == torch.float16


def test_what_a_test_computed_can_be_trained_with_later():
    weights = torch.ones(2, 3, requires_grad=True)
    ones = BySize(torch.ones)
    with torch.inference_mode():
        ones((2, 3), CPU, torch.float32)
    (weights * ones((2, 3), CPU, torch.float32)).sum().backward()
    assert torch.equal(weights.grad, torch.ones(2, 3))
