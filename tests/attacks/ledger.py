"""Tampered runs: a ledger, weights, optimisers, results or a config are changed, and `imaging verify` has to
notice it.

    python tests/attacks/ledger.py [--cases 56] [--seed 0] [--case N]

Every segment of a small run is trained again, and every image is tested again. A tampering is caught if a
check differs, or if the run cannot be verified. Faults are tracebacks, hangs, a run that is verified though
it was tampered with, and the run before all tampering if it is not.
"""

import os
import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from cases import CHECKOUT, REFUSED, Tally, arguments, attempt, numbered

os.environ |= {"OMP_NUM_THREADS": "1"}
WORDS = [
    "data=bundled", "data.crop=[96,96]", "data.patch_size=32", "data.max_test_images=2",
    "data.validation_images=1", "data.patches_per_image=8", "data.batch_size=4", "physics.noise.sigma=0.1",
    "test.sigmas=[0.05,0.1]", "model.hidden_channels=4", "model.depth=3", "trainer.accelerator=cpu",
    "trainer.max_epochs=-1", "trainer.max_steps=18", "trainer.val_check_interval=4",
    "trainer.checkpoint_every_n_steps=4", "trainer.weight_averaging=0.9", "callbacks=ledger",
    "callbacks.ledger.every_n_steps=2", "callbacks.ledger.keep=4",
]  # fmt: skip
DIFFERS = 1


def train(directory: Path) -> None:
    import imaging.commands.main as commands

    os.chdir(directory)
    sys.argv = ["train.py", *WORDS, "hydra.run.dir=run"]
    commands.train()


def verify(run: Path) -> None:
    import imaging.commands.main as commands

    commands.main(["verify", str(run), "--segments", "all", "--images", "all", "--seed", "0"])


def changed(tamper, run: Path, draw: random.Random) -> None:
    tamper(run, draw)  # whose value is nothing that JSON has


def main() -> int:
    sys.path.insert(0, str(CHECKOUT / "tests"))
    from tampering import CAREFUL, NAIVE

    import imaging.verification.run  # noqa: F401  before the processes are forked

    tampers = [*NAIVE.items(), *((f"{name}, rechained", tamper) for name, tamper in CAREFUL.items())]
    options = arguments(__doc__, len(tampers))
    tally = Tally("tampered runs", options.seed)
    with tempfile.TemporaryDirectory() as directory:
        ended = attempt(partial(train, Path(directory)), 120)
        assert ended.status == 0, ended.complained
        run = Path(directory, "run")
        whole = attempt(partial(verify, run), 120)
        tally.add("not tampered with", "verified", whole.status and "not verified", whole.printed)
        for number, draw in numbered(options):
            name, tamper = tampers[number % len(tampers)]
            other = Path(directory, "tampered", "run")
            shutil.copytree(run, other)
            done = attempt(partial(changed, tamper, other, draw))
            assert done.status == 0, f"{name}: {done.complained}"
            ended = attempt(partial(verify, other), 120)
            # The exit status of a bug is that of a difference.
            traced = "Traceback" in ended.complained
            missed = "not caught" if ended.status == 0 else None
            fault = ended.fault if traced or ended.status not in (0, DIFFERS, REFUSED) else missed
            end = {DIFFERS: "caught", REFUSED: "refused"}.get(ended.status, "not caught")
            tally.add(f"{number}: {name}", end, fault, (ended.printed + ended.complained).strip())
            if options.case is not None:
                print(ended.printed, ended.complained, flush=True)
            shutil.rmtree(other.parent)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
