"""Whether a step takes longer, or the process more memory, at the end of a long run than at its beginning.

    python benchmarks/growth.py

20,000 steps of a tiny denoiser through `imaging.training.trainer.fit`, with curves, validations and
checkpoints; the last tenth against the first, whose warm-up is left out. Of each the lower quartile of the
steps' times. Every tenth time a like network is trained by hand, in float32, on one batch that does not
change. What that takes more at the end is the machine's drift, or at least not ours alone: it is divided out.
"""

import itertools
import json
import os
import statistics
import sys
import time

from ruler import finish, in_a_process, row
from training import WARM

STEPS, ROUNDS, EVERY = 20_000, 2, 10


def worker(seed: int) -> None:
    from training import ours, settings

    from imaging.data import build_data
    from imaging.tasks import build_task
    from imaging.training.strategies import EveryStep

    os.environ.pop("IMAGING_DATA", None)
    config = settings(8, STEPS, seed)
    config["model"] |= {"depth": 2, "hidden_channels": 4}
    config["data"] |= {"patch_size": 8, "batch_size": 8, "patches_per_image": 500, "test_patch_size": 32}
    data = build_data(config["data"])
    data.setup("fit")
    task, marks, references = build_task(config), {}, []
    by_hand = step_by_hand(config, data)

    class Marks(EveryStep):
        def after_step(self, trainer, task, outputs):
            step = trainer.global_step
            if step % EVERY == 0:
                began = time.perf_counter()
                by_hand()
                references.append(time.perf_counter() - began)
            if step in (STEPS // 10, STEPS):
                with open("/proc/self/statm") as file:
                    marks[step] = int(file.read().split()[1])

    times = ours(config, data, task, [Marks()])
    # From one step's end to the next one's, without those that had a step by hand between them.
    steps = [b - a for i, (a, b) in enumerate(itertools.pairwise(times), 1) if i % EVERY]
    time_ratio, last = growth(steps)
    told = {"undivided": time_ratio, "time": time_ratio / growth(references)[0], "milliseconds": 1e3 * last}
    print(json.dumps(told | {"memory": marks[STEPS] / marks[STEPS // 10]}))


def step_by_hand(config: dict, data):
    """A function that trains such a network for a step, on a batch that is always the same."""
    import torch

    from imaging.models import build_model

    network = build_model(config["model"]).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    x = next(iter(data.train_dataloader()))["image"].float() / 255
    y = x + 0.1 * torch.randn_like(x)

    def step() -> None:
        loss = torch.nn.functional.mse_loss(network(y), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def growth(times: list[float]) -> tuple[float, float]:
    """The lower quartile of the last tenth over that of the first, and itself."""
    tenth = len(times) // 10
    first, last = (statistics.quantiles(some)[0] for some in (times[WARM:tenth], times[-tenth:]))
    return last / first, last


def main() -> None:
    if len(sys.argv) > 1:
        return worker(int(sys.argv[1]))
    told = [in_a_process(__file__, str(seed)) for seed in range(ROUNDS)]
    middle = {key: statistics.median(t[key] for t in told) for key in ("milliseconds", "undivided")}
    note = f"{middle['milliseconds']:.2f} ms a step at the end; {middle['undivided']:.3g} if not divided"
    finish(
        [
            row("time of a step: last / first tenth of 20,000", [t["time"] for t in told], 1.03, note),
            row("resident memory: after / a tenth of 20,000 steps", [t["memory"] for t in told], 1.03),
        ]
    )
    return None


if __name__ == "__main__":
    main()
