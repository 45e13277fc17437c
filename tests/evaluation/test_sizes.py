"""What a network or an operator does not take is refused before a training or a test."""

import pytest
from test_testing import CONFIG, images

from imaging.errors import ImagingError
from imaging.evaluation.sizes import check_sizes
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
    with pytest.raises(ImagingError, match="Identity makes measurements of 1×16×8 of images of 1×16×16"):
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
        ({"name": "downsampling", "factor": 2}, "of 1×8×8, of images of 1×16×16"),
        ({"name": "single_pixel", "size": [16, 16], "measurements": 9}, "of 1×1×9, of images of 1×16×16"),
        ({"name": "blur", "psf": {"name": "digit"}, "boundary": "valid"}, "of 1×10×10, of images of 1×16×16"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_network_that_does_not_take_the_measurements_is_refused(operator, sizes):
    physics = CONFIG["physics"] | {"operator": operator}
    task = build_task(CONFIG | {"physics": physics, "task": {"name": "reconstruction"}})
    with pytest.raises(ImagingError, match=rf"measurements {sizes}: .* e\.g\. model=preview_unet"):
        check_sizes(task, images(1))
