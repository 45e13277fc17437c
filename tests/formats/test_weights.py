"""Weights in safetensors files, and those that others have published."""

import pytest
import torch
from safetensors.torch import save_file

from imaging.errors import ImagingError
from imaging.formats.loading import load_task
from imaging.formats.weights import read_weights, weights_of, write_weights
from imaging.runs.config import upgrade_config
from imaging.tasks import build_task
from tests.untrained import untrained

CONFIG = untrained(
    {"name": "dncnn_deep", "channels": 1, "depth": 4, "hidden_channels": 4, "bias": False},
    {"operator": {"name": "identity"}, "noise": {"sigma": [0.0, 0.1]}},
    seed=3,
    data={"source": {"name": "bsds300", "root": "/somewhere", "channels": 1}, "cache": "/somewhere/else"},
    paths={"data": "/somewhere"},
)


def test_the_network_comes_back_and_paths_do_not(tmp_path):
    task, path = build_task(CONFIG).eval(), tmp_path / "a.safetensors"
    write_weights(path, CONFIG, weights_of({"state_dict": task.state_dict()}), {"commit": "abc"})
    other, config = load_task(read_weights(path), path)
    y = torch.rand(1, 1, 9, 9)
    assert torch.equal(task.restore(y), other.restore(y))
    data = {"source": {"name": "bsds300", "root": None, "channels": 1}}
    without = {key: value for key, value in CONFIG.items() if key != "paths"}
    assert config == upgrade_config(without | {"data": data})
    assert b"/somewhere" not in path.read_bytes()


def test_what_is_no_weights_file_is_named_in_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(ImagingError, match=r"^there is no file .*a\.safetensors$"):
        read_weights(path)
    path.write_bytes(b"PK not at all" * 10)
    with pytest.raises(ImagingError, match=r"^.*a\.safetensors cannot be read as safetensors \("):
        read_weights(path)
    save_file({"layer.weight": torch.zeros(1)}, path)
    with pytest.raises(ImagingError, match=r"has no config in it and no keys of a supported network"):
        read_weights(path)
    save_file({"layer.weight": torch.zeros(1)}, path, {"config": "{"})
    with pytest.raises(ImagingError, match=r"the config in .* is not JSON"):
        read_weights(path)


def mohan2020(bias: bool, depth: int = 5, width: int = 6) -> dict:
    """Tensors as the authors' files have them, under their names."""
    random = torch.Generator().manual_seed(0)
    tensors = {}
    for name, before, after in (
        ("first_layer", 1, width),
        *((f"hidden_layer_list.{i}", width, width) for i in range(depth - 2)),
        ("last_layer", width, 1),
    ):
        tensors[f"{name}.weight"] = torch.randn(after, before, 3, 3, generator=random) / 5
        if bias:
            tensors[f"{name}.bias"] = torch.randn(after, generator=random)
    for i in range(depth - 2):
        for key in ("weight", "bias", "running_mean"):
            tensors[f"bn_layer_list.{i}.{key}"] = torch.randn(width, generator=random)
        tensors[f"bn_layer_list.{i}.running_var"] = 0.5 + torch.rand(width, generator=random)
        tensors[f"bn_layer_list.{i}.num_batches_tracked"] = torch.tensor(9)
    return tensors


def by_hand(tensors: dict, y: torch.Tensor, bias: bool, depth: int = 5) -> torch.Tensor:
    """The published network, layer by layer, from its own keys."""
    conv = torch.nn.functional.conv2d
    features = conv(y, tensors["first_layer.weight"], tensors.get("first_layer.bias"), padding=1).relu()
    for i in range(depth - 2):
        features = conv(
            features,
            tensors[f"hidden_layer_list.{i}.weight"],
            tensors.get(f"hidden_layer_list.{i}.bias"),
            padding=1,
        )
        keys = ("weight", "bias", "running_mean", "running_var")
        norm = {k: tensors[f"bn_layer_list.{i}.{k}"][:, None, None] for k in keys}
        deviation = norm["running_var"].sqrt()
        if bias:
            features = (features - norm["running_mean"]) / deviation * norm["weight"] + norm["bias"]
        else:
            features = features / deviation * norm["weight"]
        features = features.relu()
    return y - conv(features, tensors["last_layer.weight"], tensors.get("last_layer.bias"), padding=1)


@pytest.mark.parametrize("bias", [True, False])
def test_a_published_network_is_read_by_its_keys(bias, tmp_path):
    tensors, y = mohan2020(bias), torch.rand(1, 1, 12, 12)
    save_file(tensors, tmp_path / "published.safetensors")
    task, config = load_task(read_weights(tmp_path / "published.safetensors"), "published")
    assert config["model"] | {"seed": 0} == {
        "name": "dncnn_deep",
        "channels": 1,
        "depth": 5,
        "hidden_channels": 6,
        "bias": bias,
        "seed": 0,
    }
    assert torch.allclose(task.restore(y), by_hand(tensors, y, bias), rtol=1e-3, atol=1e-3)
    assert config["test"]["convention"] == "clipped"


def test_no_single_bit_of_a_file_of_ones_own_is_lost(tmp_path):
    task, path = build_task(CONFIG), tmp_path / "a.safetensors"
    write_weights(path, CONFIG, weights_of({"state_dict": task.state_dict()}), {"commit": "abc"})
    whole = path.read_bytes()
    # All of the header, whose order differs from file to file, and some of the weights.
    header = 8 + int.from_bytes(whole[:8], "little")
    for at in [*range(header), *range(header, len(whole), 97)]:
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(ImagingError, match=r"a\.safetensors"):
            read_weights(path)
    path.write_bytes(whole)
    assert read_weights(path)["state_dict"].keys() == task.state_dict().keys()
