"""Evaluate one run: from its task and the test images to all that is told of it."""

from tqdm import tqdm

from imaging.evaluation.evaluate import Examples, Means, Protocol, evaluate
from imaging.evaluation.linear_view import linear_view
from imaging.evaluation.outputs import KINDS, Result
from imaging.tasks.reconstruction import Reconstruction


def evaluate_run(
    task: Reconstruction,
    images,
    protocol: Protocol,
    config: dict,
    run: str,
    method: str | None = None,
    look: bool = True,
) -> Result:
    """Test a run on the test images.

    Args:
        task: with its weights, on its device.
        images: a sequence of (id, clean image) pairs.
        protocol: which noise.
        config: the run's; its `test` says how many examples, at which sigma.
        run: the name of the run in the records.
        method: what they call the network; None: its name.
        look: whether to see a network without biases as a linear map, which takes seconds.
    """
    test = config["test"]
    sigma = min(protocol.sigmas, key=lambda s: abs(s - test["examples_sigma"]))
    examples = Examples(keep=test["examples"], sigma=sigma, count=len(images))
    means = Means(task.numbers)
    observers = (examples.observe, means.observe)
    shown = tqdm(images, desc="testing", unit="image", leave=False, disable=None)  # in a terminal only
    records = list(evaluate(task, shown, protocol, run, method or config["model"]["name"], observers))
    arrays = {kind: [image.float().numpy() for image in getattr(examples, kind)] for kind in KINDS}
    return Result(
        run,
        config,
        records,
        examples={"names": examples.names, "sigma": sigma, **arrays},
        numbers=means.flat(),
        view=linear_view(task, *images[0], protocol) if look else None,
    )
