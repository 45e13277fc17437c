"""Whether a step takes longer, or the process more memory, at the end of a long run than at its beginning.

    python benchmarks/growth.py

20,000 steps of a tiny denoiser through `imaging.runs.trainer.fit`, with curves, validations and checkpoints;
the last tenth against the first, whose warm-up of 50 steps is left out.
"""

import json
import os
import statistics
import sys
import time

from ruler import finish, in_a_process, row

STEPS, ROUNDS = 20_000, 3


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
            if step in (WARM, STEPS // 10, STEPS - STEPS // 10, STEPS):
                with open("/proc/self/statm") as file:
                    marks[step] = time.perf_counter(), int(file.read().split()[1])

    ours(config, data, task, [Marks()])
    (a, _), (b, before), (c, _), (d, after) = (marks[step] for step in sorted(marks))
    tenth = STEPS // 10
    print(json.dumps({"time": (d - c) / tenth / ((b - a) / (tenth - WARM)), "memory": after / before,
                      "milliseconds": 1e3 * (d - c) / tenth}))  # fmt: skip


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
