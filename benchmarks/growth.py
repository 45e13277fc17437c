"""Whether a step takes longer, or the process more memory, at the end of a long run than at its beginning.

    python benchmarks/growth.py

20,000 steps of a tiny denoiser through `imaging.runs.trainer.fit`, with curves, validations and checkpoints;
the last tenth against the first, whose warm-up is left out. Of each the lower quartile of the steps' times:
what else a machine does comes and goes within seconds, growth stays.
"""

import itertools
import json
import os
import statistics
import sys

from ruler import finish, in_a_process, row

STEPS, ROUNDS = 20_000, 2


def worker(seed: int) -> None:
    import pytorch_lightning as pl
    from training import WARM, ours, settings

    from imaging.data import build_data
    from imaging.tasks import build_task

    os.environ.pop("IMAGING_DATA", None)
    config = settings(8, STEPS, seed)
    config["model"] |= {"depth": 2, "hidden_channels": 4}
    config["data"] |= {"patch_size": 8, "batch_size": 8, "patches_per_image": 500, "test_patch_size": 32}
    data = build_data(config["data"])
    data.setup("fit")
    task, marks = build_task(config), {}

    class Marks(pl.Callback):
        def on_train_start(self, trainer, task):
            task.after_step.append(lambda: self.look(trainer.global_step))

        def look(self, step):
            if step in (STEPS // 10, STEPS):
                with open("/proc/self/statm") as file:
                    marks[step] = int(file.read().split()[1])

    times = ours(config, data, task, [Marks()])
    steps, tenth = [b - a for a, b in itertools.pairwise(times)], STEPS // 10
    first, last = (
        statistics.quantiles(some)[0] for some in (steps[WARM:tenth], steps[STEPS - tenth : STEPS - 1])
    )
    memory = marks[STEPS] / marks[STEPS // 10]
    print(json.dumps({"time": last / first, "memory": memory, "milliseconds": 1e3 * last}))


def main() -> None:
    if len(sys.argv) > 1:
        return worker(int(sys.argv[1]))
    told = [in_a_process(__file__, str(seed)) for seed in range(ROUNDS)]
    note = f"{statistics.median(t['milliseconds'] for t in told):.2f} ms a step at the end"
    finish(
        [
            row("time of a step: last / first tenth of 20,000", [t["time"] for t in told], 1.03, note),
            row("resident memory: after / a tenth of 20,000 steps", [t["memory"] for t in told], 1.03),
        ]
    )
    return None


if __name__ == "__main__":
    main()
