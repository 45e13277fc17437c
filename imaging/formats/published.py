"""Published networks of other projects: detection, and translation of their keys.

`mohan2020`: the DnCNN of Mohan et al. 2020, "Robust and interpretable blind image denoising via bias-free
CNNs", from github.com/LabForComputationalVision/bias_free_denoising, its tensors as safetensors.

| key there | key here |
| --- | --- |
| `first_layer.*` | `network.first.*` |
| `hidden_layer_list.N.*` | `network.hidden.N.*` |
| `bn_layer_list.N.*` | `network.norms.N.*` |
| `last_layer.*` | `network.last.*` |

If the convolutions have no bias, the normalisation has none either; the means, biases and batch counts of its
layers in the file are not used.
"""

import re

from torch import Tensor

from imaging.errors import ImagingError

MOHAN2020 = {
    r"first_layer\.": "network.first.",
    r"hidden_layer_list\.(\d+)\.": r"network.hidden.\1.",
    r"bn_layer_list\.(\d+)\.": r"network.norms.\1.",
    r"last_layer\.": "network.last.",
}


def translate(tensors: dict[str, Tensor], path) -> dict:
    """Translate the tensors of a published network to the `config` and `state_dict` of a checkpoint.

    The config has the test protocol of the publication: BSD68 in gray, sigma 10, 20, 30, 50 and 100 over 255,
    and PSNR of the clipped estimate.

    Args:
        tensors: by their names in the file.
        path: of the file, for messages.

    Raises:
        ImagingError: not a supported network.
    """
    supported = {"first_layer.weight", "last_layer.weight"} <= tensors.keys()
    if not supported or any(tensors[f"{end}_layer.weight"].dim() != 4 for end in ("first", "last")):
        raise ImagingError(
            f"{path} has no config in it and no keys of a supported network (see "
            f"imaging/formats/published.py); its first keys are {', '.join(sorted(tensors)[:3])}"
        )
    bias = "first_layer.bias" in tensors
    hidden, channels = tensors["first_layer.weight"].shape[:2]
    depth = 2 + sum(re.fullmatch(r"hidden_layer_list\.\d+\.weight", key) is not None for key in tensors)
    state = {}
    for key, tensor in tensors.items():
        unused = key.endswith(("running_mean", "num_batches_tracked", "bias")) and "bn_layer_list" in key
        if bias or not unused:
            for prefix, replacement in MOHAN2020.items():
                key = re.sub(f"^{prefix}", replacement, key)
            state[key] = tensor
    model = {"name": "dncnn_deep", "channels": channels, "depth": depth}
    model |= {"hidden_channels": hidden, "bias": bias}
    return {"config": _protocol(model), "state_dict": state}


def _protocol(model: dict) -> dict:
    return {
        "name": "mohan2020",
        "seed": 0,
        "task": {"name": "denoiser"},
        "model": model | {"seed": 0},
        "physics": {"operator": {"name": "identity"}, "noise": {"sigma": [0.0, 55 / 255]}},
        "optimizer": {"name": "adam"},
        "schedule": {"name": "constant"},
        "data": {"source": {"name": "bsd68", "root": None, "channels": model["channels"]}},
        "trainer": {"channels_last": True, "compile": False},
        "test": {
            "sigmas": [sigma / 255 for sigma in (10, 20, 30, 50, 100)],
            "noise_seeds": 1,
            "convention": "clipped",
            "pixel": None,
            "examples": 3,
            "examples_sigma": 100 / 255,
        },
    }
