"""Weights to be given away: a safetensors file, which holds tensors and text and can run no code."""

import json
from pathlib import Path

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.files import write_atomically
from imaging.formats.published import translate

SUFFIX = ".safetensors"


def read_weights(path: Path | str) -> dict:
    """`config` and `state_dict`, as a checkpoint has them, of a safetensors file.

    It is one that `write_weights` has made, or of a network that `imaging.formats.published` knows.

    Raises:
        ImagingError: no such file, not a safetensors file, or of neither kind.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise ImagingError(f"there is no file {path}")
    try:
        with safe_open(path, "pt") as file:
            told = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ImagingError(f"{path} cannot be read as safetensors ({error})") from None
    if "config" not in told:
        return translate(tensors, path)
    try:
        return {"config": json.loads(told["config"]), "state_dict": tensors}
    except (ValueError, RecursionError) as error:
        raise ImagingError(f"the config in {path} is no JSON ({error})") from None


def write_weights(
    path: Path | str, config: dict, state_dict: dict[str, Tensor], told: dict[str, str]
) -> None:
    """Write a network with its config, atomically.

    Args:
        path: ends in `.safetensors`.
        config: the run's, plain data; paths on this machine are left out.
        state_dict: of the task.
        told: more text for the file's metadata, such as the commit.
    """
    from safetensors.torch import save

    tensors = {key: tensor.contiguous() for key, tensor in state_dict.items()}
    data = save(tensors, {"format": "pt", "config": json.dumps(without_places(config)), **told})
    write_atomically(path, lambda file: file.write(data))


def without_places(config: dict) -> dict:
    """A run's config without what says where things lie on its machine; a data set's root becomes None."""
    config = {key: value for key, value in config.items() if key not in ("paths", "hydra", "resume")}
    if "data" in config:
        source = {k: v for k, v in config["data"]["source"].items() if k not in ("train", "test", "url")}
        source |= {"root": None} if "root" in source else {}
        config["data"] = {k: v for k, v in config["data"].items() if k != "cache"} | {"source": source}
    return config


def weights_of(checkpoint: dict) -> dict[str, Tensor]:
    """The tensors of a checkpoint that make the network, in float32."""
    tensors = checkpoint["state_dict"].items()
    return {key: tensor.float() if torch.is_floating_point(tensor) else tensor for key, tensor in tensors}
