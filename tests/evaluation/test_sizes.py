"""What a network or an operator does not take is refused before a training or a test."""

from functools import partial

import pytest
import torch
from test_testing import CONFIG, images

from imaging.errors import ImagingError
from imaging.evaluation.sizes import check_adjoint, check_sizes
from imaging.physics.operator import LinearOperator
from imaging.tasks import build_task


def test_an_image_that_the_operator_cannot_take_is_refused_at_once():
    blur = {
        "operator": {"name": "blur", "psf": {"name": "digit"}},
        "noise": {"sigma": 0.1},
    }
    task = build_task(CONFIG | {"physics": blur, "task": {"name": "deconvolver"}})
    with pytest.raises(ImagingError, match="smaller than the 7 x 7 psf"):
        check_sizes(task, images(1, 5))


def test_images_of_other_channels_are_refused_at_once():
    task = build_task(CONFIG | {"model": {"name": "dncnn", "channels": 3, "hidden_channels": 2}})
    with pytest.raises(
        ImagingError, match=r"channels=1, but the network takes another number \(.*\): set data"
    ):
        check_sizes(task, images(1, 16))


def test_a_network_that_makes_another_size_is_told_both():
    task = build_task(CONFIG)
    task.restore = lambda y, sigma: y[..., 1:]
    with pytest.raises(ImagingError, match="makes 1×16×15 of measurements of 1×16×16; expected 1×16×16"):
        check_sizes(task, images(1, 16))


def test_an_operator_that_does_not_say_the_shape_of_its_y_is_refused():
    task = build_task(CONFIG)
    task.physics.operator.forward = lambda x: x[..., ::2]
    with pytest.raises(ImagingError, match="Identity turns images of 1×16×16 into measurements of 1×16×8"):
        check_sizes(task, images(1, 16))


def test_an_error_that_is_not_of_channels_is_passed_on():
    task = build_task(CONFIG)

    def fail(y, sigma):
        raise RuntimeError("out of memory")

    task.restore = fail
    with pytest.raises(RuntimeError, match="out of memory"):
        check_sizes(task, images(1))


@pytest.mark.parametrize(
    ("operator", "sizes"),
    [
        ({"name": "downsampling", "factor": 2}, "of 1×8×8"),
        ({"name": "single_pixel", "size": [16, 16], "measurements": 9}, "of 1×1×9"),
        ({"name": "blur", "psf": {"name": "digit"}, "boundary": "valid"}, "of 1×10×10"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_network_that_does_not_take_the_measurements_is_refused(operator, sizes):
    physics = CONFIG["physics"] | {"operator": operator}
    task = build_task(CONFIG | {"physics": physics, "task": {"name": "reconstruction"}})
    with pytest.raises(ImagingError, match=rf"measurements {sizes}: .* e\.g\. model=preview_unet"):
        check_sizes(task, images(1))


class Halved(LinearOperator):
    """A = 1/2, with an adjoint that a person may have written."""

    def __init__(self, adjoint=None):
        super().__init__()
        self.written = adjoint

    def forward(self, x):
        return x / 2

    def adjoint(self, y):
        return self.written(y)


@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (1, 3, 200, 300)])
@pytest.mark.parametrize(
    ("adjoint", "right"),
    [
        (lambda y: y / 2, True),
        (lambda y: 2 * y, False),  # the inverse
        (lambda y: y, False),
        (lambda y: -y / 2, False),
        (lambda y: y.flip(-1) / 2, False),
        (lambda y: y.roll(1, -1) / 2, False),
        (lambda y: y / 2 * 1.01, False),
    ],
)
def test_a_wrong_adjoint_is_noticed(adjoint, right, shape):
    check = partial(check_adjoint, Halved(adjoint), torch.zeros(shape, dtype=torch.uint8))
    if right:
        check()
    else:
        with pytest.raises(ImagingError, match="the adjoint of the operator Halved is wrong"):
            check()


def test_an_operator_without_an_adjoint_is_told_when_it_is_needed():
    class Without(LinearOperator):
        def forward(self, x):
            return x

    check_adjoint(Without(), torch.zeros(1, 1, 8, 8))
    with pytest.raises(ImagingError, match="the operator Without has no adjoint, which is needed: define it"):
        Without().adjoint(torch.zeros(1, 1, 8, 8))


def test_the_adjoint_is_checked_before_a_training():
    task = build_task(CONFIG)
    task.physics.operator = Halved(lambda y: y)
    with pytest.raises(ImagingError, match="adjoint"):
        check_sizes(task, images(1, 16))


def test_a_network_that_returns_no_tensor_is_told_what_it_returns():
    task = build_task(CONFIG)
    task.network.forward = lambda y: (y, y)
    with pytest.raises(ImagingError, match=r"the network DnCNN returns a tuple; expected a tensor"):
        check_sizes(task, images(1, 16))
