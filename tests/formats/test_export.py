"""Networks that run without this project."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.formats.export import export
from imaging.tasks import build_task
from tests.untrained import BLUR, NOISE, untrained

DIGIT = {"name": "digit"}
SMALL = {"channels": 1, "hidden_channels": 4}
PERIODIC = {"name": "unet", **SMALL, "padding": "circular"}
FRONT = {"name": "wiener_front_end", "wiener": {"psf": DIGIT}, "network": PERIODIC}
MODELS = {  # and whether one file is for all sizes
    "dncnn": ({"name": "dncnn", **SMALL}, NOISE, True),
    "dncnn_deep": ({"name": "dncnn_deep", **SMALL, "depth": 4, "bias": False}, NOISE, True),
    "unet": ({"name": "unet", **SMALL, "padding": "zeros"}, NOISE, False),
    "wiener": ({"name": "wiener", "psf": DIGIT}, BLUR, False),
    "wiener_front_end": (
        {"name": "wiener_front_end", "wiener": {"psf": DIGIT}, "network": PERIODIC},
        BLUR,
        False,
    ),
    "wiener_pair of photographs": (
        {"name": "wiener_pair", "psf": DIGIT, "boundary": "valid", "stages": 1, **SMALL},
        {"operator": BLUR["operator"] | {"boundary": "valid"}, "noise": BLUR["noise"]},
        False,
    ),
    "wiener_pair": ({"name": "wiener_pair", "psf": DIGIT, **SMALL}, BLUR, False),
}

pytestmark = pytest.mark.usefixtures("shapes_unchecked")


@pytest.mark.parametrize("name", MODELS)
def test_the_exported_network_gives_the_same(name, tmp_path):
    model, physics, any_size = MODELS[name]
    task = build_task(untrained(model, physics)).eval()
    path, shape = tmp_path / "network.pt2", task.physics.operator.output_shape((1, 30, 41))
    y = torch.rand(1, *shape)
    told = export(task, 1, path, None if any_size else (30, 41))
    assert ("of any height and width" if any_size else "of {}×{} pixels".format(*shape[1:])) in told
    arguments = (y, torch.full((1, 1, 1, 1), 0.01)) if task.takes_sigma else (y,)
    with torch.no_grad():
        x_hat = torch.export.load(path).module()(*arguments)
        assert torch.allclose(x_hat, task.restore(y, 0.01), atol=1e-4)
    if not any_size:
        with pytest.raises(
            ImagingError, match=r"cannot be exported .* give the size of the images: --size HEIGHT"
        ):
            export(task, 1, tmp_path / "any.pt2")
