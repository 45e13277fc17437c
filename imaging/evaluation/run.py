"""Evaluate one run: from its task and the test images to records, examples and its own numbers."""

from tqdm import tqdm

from imaging.evaluation.evaluate import Examples, Means, Protocol, evaluate
from imaging.evaluation.records import Record
from imaging.tasks.reconstruction import Reconstruction


def evaluate_run(
    task: Reconstruction, images, protocol: Protocol, config: dict, run: str
) -> tuple[list[Record], Examples, dict[str, float]]:
    """Records, examples and the task's own numbers, by flat names, of a run on the test images.

    Args:
        task: with its weights, on its device.
        images: a sequence of (id, clean image) pairs.
        protocol: which noise.
        config: the run's; its `test` says how many examples, at which sigma.
        run: the name of the run in the records.
    """
    wanted = config["test"]["examples_sigma"]
    sigma = min(protocol.sigmas, key=lambda s: abs(s - wanted))
    examples = Examples(keep=config["test"]["examples"], sigma=sigma, count=len(images))
    means = Means(task.numbers)
    observers = (examples.observe, means.observe)
    shown = tqdm(images, desc="testing", unit="image", leave=False, disable=None)  # in a terminal only
    records = list(evaluate(task, shown, protocol, run, config["model"]["name"], observers))
    return records, examples, means.flat()
