"""Networks behind the operator's own estimate, for measurements that are not images of x's shape."""

from torch import nn

from imaging.models import MODELS, build_model
from imaging.models.network import Behind
from imaging.physics.operator import OPERATORS
from imaging.shapes import Images, Measurements, Sigmas


@MODELS.register("preview")
class Preview(nn.Module):
    """x_hat = preview(y), the simplest estimate: bicubic or bilinear interpolation, or back-projection.

    Args:
        operator: a config for `imaging.physics.OPERATORS`.
    """

    def __init__(self, operator: dict):
        super().__init__()
        self.operator = OPERATORS.build(operator)

    def forward(self, y: Measurements) -> Images:
        """Estimate x, (N, C, H, W)."""
        return self.operator.preview(y)


@MODELS.register("preview_front_end")
class PreviewFrontEnd(Behind):
    """x_hat = network(preview(y)): the network removes what the operator's simplest estimate leaves.

    It lets a network of images restore any y: samples of a mosaic, fewer pixels, random projections.

    Args:
        operator: a config for `imaging.physics.OPERATORS`.
        network: a model's name and settings, for `build_model`.

    Raises:
        ImagingError: a wrong setting of either.
    """

    def __init__(self, operator: dict, network: dict):
        super().__init__(build_model(network))
        self.operator = OPERATORS.build(operator)

    def forward(self, y: Measurements, *sigma: Sigmas) -> Images:
        """Restore y, with the noise's sigma (N, 1, 1, 1) if the network takes it."""
        return self.network(self.operator.preview(y), *sigma)
