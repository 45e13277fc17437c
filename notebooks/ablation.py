# %% [markdown]
# # An ablation: do biases hurt away from the training noise?
#
# Denoisers are trained at one noise level and used at others. We train four small ones, with and without
# biases, of 16 and 32 channels, and compare them at the noise of the training and at other levels. Some
# minutes on a laptop.
#
# The tasks are plain Lightning modules: `pl.Trainer` trains them. `train.py` adds what makes it fast,
# checkpoints, curves, and the tests.

# %%
import itertools
import logging
import warnings

import matplotlib.pyplot as plt
import pytorch_lightning as pl
import torch

import imaging
from imaging.data import build_data
from imaging.metrics import psnr
from imaging.randomness import generator
from imaging.tasks import build_task

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="pytorch_lightning")
TRAINED, TESTED, STEPS = 0.1, (0.01, 0.05, 0.1, 0.2), 400
QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def train(bias: bool, channels: int, seed: int = 0):
    task = build_task(
        {
            "task": {"name": "denoiser"},
            "loss": {"name": "mse"},
            "model": {"name": "dncnn", "hidden_channels": channels, "bias": bias, "seed": seed},
            "physics": {"operator": {"name": "identity"}, "noise": {"sigma": TRAINED}},
            "optimizer": {"name": "muon", "lr": 2e-3},
            "schedule": {"name": "cosine"},
            "seed": seed,
        }
    )
    data = build_data({"source": {"name": "bundled"}, "patch_size": 32, "validation_images": 1, "seed": seed})
    pl.Trainer(
        max_steps=STEPS, accelerator="cpu", limit_val_batches=0, use_distributed_sampler=False, **QUIET
    ).fit(task, data)
    return task.eval()


# %%
images = [(name, image[None] / 255) for name, image in imaging.data("bundled", crop=[128, 128]).test_images()]
table = {}
for bias, channels in itertools.product((True, False), (16, 32)):
    task = train(bias, channels)
    row = []
    for sigma in TESTED:
        values = []
        for name, x in images:  # each network meets the same noise
            y = x + sigma * torch.randn(x.shape, generator=generator("test", name, sigma))
            with torch.no_grad():
                values.append(psnr(task.restore(y), x).item())
        row.append(sum(values) / len(values))  # the mean of the PSNRs, not the PSNR of the mean
    table[bias, channels] = row
    print(
        f"bias {'yes' if bias else 'no ':3} {channels:2} channels:",
        "  ".join(f"{value:.2f}" for value in row),
    )

# %%
for (bias, channels), row in table.items():
    style = {"color": "C0" if bias else "C1", "linestyle": "-" if channels == 32 else "--"}
    plt.semilogx(
        TESTED, row, marker="o", label=f"bias {'yes' if bias else 'no'}, {channels} channels", **style
    )
plt.axvline(TRAINED, color="gray", linestyle=":")
plt.xlabel("test sigma")
plt.ylabel("PSNR (dB)")
plt.legend()
plt.show()
assert all(table[False, channels][-1] > table[True, channels][-1] + 0.5 for channels in (16, 32))

# %% [markdown]
# At the noise of the training the networks are alike. At twice the noise those without biases are better by
# a decibel. One seed each says nothing about other seeds. For three seeds, with intervals and adjusted
# p-values, run `python train.py sweep=bias_ablation data=bsds300 seed=0,1,2`.
