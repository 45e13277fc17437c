"""The networks and classical methods f of x_hat = f(y), built by name from a config."""

from imaging.models.network import complete
from imaging.registry import Registry

MODELS = Registry("model", "imaging.models")


def build_model(config):
    """Build the model of a config.

    Args:
        config: `name`, and the constructor's keyword arguments as plain data.

    Returns:
        The `nn.Module`, initialised from its `seed`, with the attributes of `imaging.models.network.Network`.

    Raises:
        ImagingError: unknown name, unknown or missing setting, or a wrong value.
    """
    return complete(MODELS.build(config))
