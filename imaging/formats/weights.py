"""Weights as safetensors files, which contain tensors and text and cannot run code."""

import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor

from imaging.errors import ImagingError, one_line
from imaging.files import check_regular, write_atomically
from imaging.formats.published import translate

SUFFIX, CHECKSUM, CHECKED = ".safetensors", "checksum", "has_checksum"


def read_weights(path: Path | str) -> dict:
    """Read `config` and `state_dict`, as in a checkpoint, from a safetensors file.

    The file is from `write_weights`, or is a network of `imaging.formats.published`.

    Raises:
        ImagingError: the file is missing, is not a safetensors file, or is of neither kind.
    """
    from safetensors import SafetensorError, safe_open

    check_regular(path)
    if not Path(path).is_file():
        raise ImagingError(f"there is no file {path}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ImagingError(f"{path} cannot be read as safetensors ({one_line(str(error))})") from None
    # Two keys, so that a damaged one does not make a file one without a checksum.
    if {CHECKSUM, CHECKED} & metadata.keys() and metadata.get(CHECKSUM) != _digest(tensors, metadata):
        raise ImagingError(f"{path} is damaged or was changed: its checksum is another one")
    if "config" not in metadata:
        return translate(tensors, path)
    try:
        return {"config": json.loads(metadata["config"]), "state_dict": tensors}
    except (ValueError, RecursionError) as error:
        raise ImagingError(f"the config in {path} is not JSON ({one_line(str(error))})") from None


def read_metadata(path: Path | str, key: str) -> str | None:
    """A text in the metadata of a safetensors file; None if it has none, or if the file is another one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get(key)
    except (SafetensorError, OSError):
        return None


def write_weights(
    path: Path | str, config: dict, state_dict: dict[str, Tensor], metadata: dict[str, str]
) -> None:
    """Write a network with its config, atomically.

    Args:
        path: ends in `.safetensors`.
        config: the run's config, plain data; paths on this machine are removed.
        state_dict: of the task.
        metadata: text to add to the file's metadata, such as the commit.
    """
    from safetensors.torch import save

    tensors = {key: tensor.contiguous() for key, tensor in state_dict.items()}
    metadata = {"format": "pt", "config": json.dumps(without_paths(config)), **metadata}
    metadata[CHECKED] = "yes"
    data = save(tensors, metadata | {CHECKSUM: _digest(tensors, metadata)})
    write_atomically(path, lambda file: file.write(data))


def _digest(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """A checksum of all that a file holds, since the format has none."""
    digest = hashlib.blake2b(digest_size=16)
    texts = {key: text for key, text in metadata.items() if key != CHECKSUM}
    digest.update(json.dumps(texts, sort_keys=True).encode(errors="surrogatepass"))
    for key, tensor in sorted(tensors.items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode(errors="surrogatepass"))
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def without_paths(config: dict) -> dict:
    """A run's config without paths of its machine; a data set's root becomes None."""
    config = {key: value for key, value in config.items() if key not in ("paths", "hydra", "resume")}
    if "data" in config:
        source = {k: v for k, v in config["data"]["source"].items() if k not in ("train", "test", "url")}
        source |= {"root": None} if "root" in source else {}
        config["data"] = {k: v for k, v in config["data"].items() if k != "cache"} | {"source": source}
    return config


def weights_of(checkpoint: dict) -> dict[str, Tensor]:
    """The tensors of a checkpoint's `state_dict`, floating-point ones in float32."""
    tensors = checkpoint["state_dict"].items()
    return {key: tensor.float() if torch.is_floating_point(tensor) else tensor for key, tensor in tensors}
