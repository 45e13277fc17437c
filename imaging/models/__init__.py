"""The networks and classical inverses f of x_hat = f(y), built by name from a config."""

from imaging.models.network import complete
from imaging.registry import Registry

MODELS = Registry("model", "imaging.models")


def build_model(config):
    """Build the model that `config` names.

    Args:
        config: `name`, and the constructor's keyword arguments as plain data.

    Returns:
        The `nn.Module`, randomly initialised from its own `seed`.

    Raises:
        ImagingError: unknown name, unknown or missing setting, or a value of the wrong type.
    """
    return complete(MODELS.build(config))
