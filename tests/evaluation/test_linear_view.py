"""The linear map that a network without biases is at one y, against what a linear map must do."""

import numpy as np
import pytest
import torch
from torch import nn

from imaging.errors import ImagingError
from imaging.evaluation.linear_view import CROP, equivalent_filter, linear_view, singular_values
from imaging.evaluation.places import strongest_edge, window
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.testing import test_noise
from imaging.models import build_model
from imaging.models.network import complete
from imaging.physics import build_physics
from imaging.tasks import build_task
from tests.untrained import untrained

test_noise.__test__ = False  # pytest takes it for a test


def task_with(model: dict, channels: int = 1):
    model = {"channels": channels} | model if model["name"] != "identity" else model
    task = build_task(untrained(model)).eval()
    for parameter in task.parameters():
        parameter.data.mul_(3)  # so that the rectifiers and the depth matter
    return task


def bias_free(channels: int = 1):
    return task_with({"name": "dncnn", "hidden_channels": 6, "depth": 4, "bias": False}, channels)


def test_the_filter_times_y_is_the_restored_value():
    """Euler's theorem: what is homogeneous of degree 1 is its gradient times its argument."""
    task, y = bias_free(), torch.rand(1, 1, 24, 30)
    for pixel in ((12, 15), (0, 0), (23, 7)):
        x_hat, weights = equivalent_filter(task, y, pixel)
        assert (weights * y[0, 0]).sum().item() == pytest.approx(x_hat[0, 0][pixel].item(), abs=1e-4)


def test_the_filter_is_the_change_of_the_gray_value_by_that_of_gray_pixels():
    task, y = bias_free(3), torch.rand(1, 3, 20, 20).double()
    task.network.double()
    task.restore = lambda y: task.network(y)  # in double precision, for finite differences
    _, weights = equivalent_filter(task, y, (9, 11))
    step = 1e-6
    for row, column in ((9, 11), (8, 11), (10, 13)):
        moved = y.clone()
        moved[..., row, column] += step
        with torch.no_grad():
            change = (task.network(moved) - task.network(y))[0, :, 9, 11].mean() / step
        assert weights[row, column].item() == pytest.approx(change.item(), abs=1e-5)


def test_the_singular_values_are_those_of_the_map_made_column_by_column():
    network = complete(nn.Conv2d(1, 1, 3, padding=1, bias=False))
    task = task_with({"name": "identity"})
    task.network = network
    y = torch.rand(1, 1, 6, 7)
    columns = torch.eye(42).view(42, 1, 6, 7)
    with torch.no_grad():
        matrix = network(columns).flatten(1).T
    expected = np.linalg.svd(matrix.double().numpy(), compute_uv=False)
    np.testing.assert_allclose(singular_values(task, y).numpy(), expected, atol=1e-5)


def test_doing_nothing_has_one_weight_and_singular_values_of_one():
    task = task_with({"name": "identity"})
    task.network.homogeneous = True
    view = linear_view(task, "a", torch.rand(1, 60, 70), Protocol("set", (0.1, 0.2, 0.3), pixel=(30, 31)))
    assert view["sigmas"].tolist() == [0.1, 0.3]  # the lowest and the highest
    row, column = view["center"]
    for weights in view["filters"]:
        assert weights[row, column] == 1
        assert np.count_nonzero(weights) == 1
    np.testing.assert_allclose(view["singular_values"], np.ones((2, CROP * CROP)), atol=1e-6)


def test_the_view_is_of_the_tests_own_noise_at_its_pixel():
    task, image = bias_free(), torch.rand(1, 60, 70)
    protocol = Protocol("set", (0.0, 0.2), pixel=(2, 69))  # in a corner, where the window is moved
    view = linear_view(task, "a", image, protocol)
    y = task.measure(image[None], test_noise(protocol, "a", 0.2, 0), 0.2)
    rows, columns = window((2, 69), (60, 70), 41)
    np.testing.assert_array_equal(view["measured"][0], y[0, :, rows, columns].numpy())
    row, column = view["center"]
    assert (row, column) == (2, 40)
    with torch.no_grad():
        restored = task.restore(y)[0, 0, 2, 69].item()
    assert view["restored"][0, 0, row, column] == pytest.approx(restored, abs=1e-6)


def test_there_is_none_of_a_network_with_biases_or_without_noise():
    image, protocol = torch.rand(1, 40, 40), Protocol("set", (0.1,))
    assert (
        linear_view(task_with({"name": "dncnn", "depth": 2, "hidden_channels": 2}), "a", image, protocol)
        is None
    )
    assert linear_view(bias_free(), "a", image, Protocol("set", (0.0,))) is None


def test_the_strongest_edge_is_found_in_the_middle():
    image = np.zeros((3, 60, 80))
    image[:, :, 50:] = 1  # a vertical edge
    image[:, 5:8] = 5  # stronger, but outside the middle
    row, column = strongest_edge(image)
    assert 15 <= row < 45
    assert column in (49, 50)


@pytest.mark.parametrize(
    ("pixel", "expected"), [((0, 0), (0, 0)), ((30, 40), (25, 35)), ((59, 79), (50, 70))]
)
def test_a_window_lies_inside_the_image(pixel, expected):
    rows, columns = window(pixel, (60, 80), 10)
    assert (rows.start, columns.start) == expected
    assert (rows.stop - rows.start, columns.stop - columns.start) == (10, 10)


def test_without_singular_values_where_the_psf_is_larger_than_the_crop():
    psf = {"name": "gaussian", "sigma": 3.0}  # 19 pixels wide
    blur = {"operator": {"name": "blur", "psf": psf}, "noise": {"sigma": 0.1}}
    task = task_with({"name": "identity"})
    task.network, task.physics = build_model({"name": "wiener", "psf": psf}), build_physics(blur)
    image, protocol = torch.rand(1, 40, 50), Protocol("set", (0.1, 0.2))
    with pytest.raises(ImagingError, match="smaller than"):
        task.restore(image[None, :, :CROP, :CROP])
    view = linear_view(task, "a", image, protocol)
    assert view["singular_values"].shape == (2, 0)
    assert view["filters"].shape == (2, 40, 41)
    assert linear_view(task_with({"name": "identity"}), "a", image, protocol) is None
