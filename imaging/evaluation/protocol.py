"""Restore test images and measure the quality of each one."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.evaluation.factors import LEVELS
from imaging.evaluation.records import Record, round_trip
from imaging.metrics import CONVENTION, CONVENTIONS, Convention, local_means, psnr, ssim
from imaging.models.network import Network
from imaging.physics.measurement import build_noise
from imaging.physics.noise import Random
from imaging.randomness import generator
from imaging.registry import checked
from imaging.settings import Count, NotNegative, at_least, check, list_of
from imaging.tasks.reconstruction import Reconstruction, as_float

# Small images are batched up to this number of pixels; batches of photographs are not faster.
PIXELS_AT_ONCE = 256 * 28 * 28
DRAWS_AT_ONCE = 4  # limits the memory for the noise of a batch


@dataclass(frozen=True)
class Protocol:
    """The noise of a test, and how its PSNR is computed.

    Args:
        data: name of the data set, which seeds the noise and is a column of the records.
        levels: of the noise, e.g. standard deviations for intensities in [0, 1], where 0 means no noise.
        noise_seeds: number of draws of the noise for each image and level.
        pixel: row and column in the first image, for `imaging.evaluation.linear_view`; None: the strongest
            edge.
        convention: a name of `imaging.metrics.CONVENTIONS`.
        level: the name of the level: see `imaging.physics.noise.Noise`.

    Raises:
        ImagingError: an argument is invalid.
    """

    data: str
    levels: tuple
    noise_seeds: Count = 1
    pixel: Annotated[tuple, list_of("[row, column]", Annotated[int, at_least(0)], length=2)] | None = None
    convention: Convention = CONVENTION
    level: str = "sigma"

    @classmethod
    def of(cls, config: dict, **changed) -> "Protocol":
        """The protocol of a run's config, with the settings in `changed` that are not None."""
        test = config["test"] | {key: value for key, value in changed.items() if value is not None}
        pixel = test.get("pixel")  # configs of earlier versions do not have it
        pixel = tuple(pixel) if isinstance(pixel, list) else pixel
        noise = build_noise(config["physics"]["noise"])
        level, levels = noise.level, _levels(config, noise.level, changed)
        check("test.examples", test["examples"], Annotated[int, at_least(0)])
        check("test.examples_sigma", test["examples_sigma"], NotNegative)
        convention = test.get("convention", CONVENTION)
        data = config["data"]["source"]["name"]
        protocol = cls(data, tuple(levels), test["noise_seeds"], pixel, convention, level)
        for value in protocol.levels:
            noise.range_of(value, f"test.{level}s")
        return protocol

    def __post_init__(self):
        example = "[0.05,0.1]" if self.level == "sigma" else "[10,100]"
        levels = list_of(f"numbers >= 0, e.g. {self.level}s={example}", NotNegative, least=1)
        check(f"{self.level}s", self.levels, Annotated[tuple, levels])
        if len(set(self.levels)) < len(self.levels):
            raise ImagingError(f"{self.level}s is {list(self.levels)}; expected each value once")

    def check_pixel(self, image: Tensor) -> None:
        """Raise an ImagingError if the pixel is outside the first test image (C, H, W)."""
        (height, width), pixel = image.shape[-2:], self.pixel
        if pixel is not None and not (pixel[0] < height and pixel[1] < width):
            raise ImagingError(
                f"test.pixel is {list(pixel)}; expected a row below {height} and a column below {width}"
            )


checked("", Protocol)


def _levels(config: dict, level: str, changed: dict) -> list:
    """The noise levels of a test, by the plural of their name: `test.sigmas`, `test.peaks`.

    Raises:
        ImagingError: they are missing, or levels of another noise are asked for.
    """
    plural, test = f"{level}s", config["test"]
    for key in (f"{other}s" for other in LEVELS):
        if key != plural and changed.get(key) is not None and changed.get(plural) is None:
            raise ImagingError(
                f"{key} is not for a run whose noise has a {level}: set {plural}=[…] (or both)"
            )
    levels = test.get(plural) if changed.get(plural) is None else changed[plural]
    if levels is None:
        raise ImagingError(f"a test with this noise needs test.{plural}, e.g. +test.{plural}=[…]")
    return levels if isinstance(levels, list) else [levels]


Observer = Callable[[list[str], float, Tensor, Tensor, Tensor], None]


@dataclass
class Examples:
    """Example images of an evaluation for figures: lists of (C, H, W) intensities on the CPU.

    Args:
        keep: number of examples, spread evenly over the test set.
        sigma: level of the noise, of which the first draw is taken.
        count: number of images in the test set.
        network: whose `trace` is kept, if it iterates.
    """

    keep: int
    sigma: float
    count: int
    network: Network | None = None
    names: list[str] = field(default_factory=list)
    clean: list[Tensor] = field(default_factory=list)
    measured: list[Tensor] = field(default_factory=list)
    restored: list[Tensor] = field(default_factory=list)
    traces: list[dict[str, Tensor]] = field(default_factory=list)
    chosen: set[str] = field(default_factory=set)

    def choose(self, first: int, names: list[str]) -> bool:
        """Choose examples among the images number `first`, `first` + 1, …; whether there are any."""
        step = max(1, self.count // max(1, self.keep))
        chosen = {n for i, n in enumerate(names, first) if i % step == 0 and i // step < self.keep}
        self.chosen |= chosen
        return bool(chosen)

    def observe(
        self, names: list[str], sigma: float, clean: Tensor, measured: Tensor, restored: Tensor
    ) -> None:
        """Keep the chosen images of a batch: clean, measured and restored (N, C, H, W)."""
        if sigma != self.sigma:
            return
        for i, name in enumerate(names):
            if name in self.chosen and name not in self.names:
                self.names.append(name)
                self.clean.append(clean[i].cpu())
                self.measured.append(measured[i].cpu())
                self.restored.append(restored[i].cpu())
                if steps := self.network.trace if self.network else ():
                    self.traces.append(
                        {k: torch.stack([step[k][i] for step in steps]).cpu() for k in steps[0]}
                    )


def test_noise(protocol: Protocol, image: str, level: float, noise_seed: int) -> torch.Generator:
    """The generator of one test image's noise, equal for every model, batch size, device and process."""
    return generator(noise_seed, "test", protocol.data, image, float(level))


@torch.inference_mode()
def run_protocol(
    task: Reconstruction,
    images: Iterable[tuple[str, Tensor]],
    protocol: Protocol,
    run: str,
    method: str,
    observers: Sequence[Observer] = (),
    select: Callable[[int, list[str]], bool] = lambda first, names: True,
    weights: str = "",
) -> Iterator[Record]:
    """Test a network on all images, noise draws and noise levels of a protocol.

    Only what y shows of x is compared: of a blur with the boundary "valid", the pixels of y.

    Args:
        task: the network with its physics, on its device, in float32.
        images: pairs of an id and a clean image (C, H, W), uint8 or float.
        protocol: the noise and the convention of PSNR.
        run, method: their names in the records.
        observers: each is called for every draw of the noise with the ids, the noise level, and intensities
            (N, C, H, W) of the clean, measured and restored images of a batch.
        select: called with the number of the first image and the ids of a batch; if it returns False, the
            batch is skipped.
        weights: digest of the network's weights, for the records.

    Yields:
        one record for each image, noise level and draw.
    """
    task.eval()
    convention, operator = CONVENTIONS[protocol.convention], task.physics.operator
    for first, names, batch in _batches(images):
        if not select(first, names):
            continue
        x = as_float(batch.to(task.device))
        shape, visible = operator.output_shape(tuple(x.shape[1:])), operator.visible
        seen = visible(x).contiguous()
        means = local_means(seen)
        for level, seed, random in _draws(task, protocol, names, shape):
            # One image at a time, so that the measurements do not depend on the batch size.
            y = torch.cat([task.measure(x[i : i + 1], random[i], level) for i in range(len(names))])
            _synchronise(x)
            began = time.perf_counter()
            x_hat = task.restore(y, task.sigma_of(level))
            _synchronise(x)
            seconds = (time.perf_counter() - began) / len(names)
            x_hat = visible(x_hat).contiguous()  # sums over two memory layouts are slower
            measured = visible(task.preview(y))
            estimate = convention(x_hat)
            numbers = psnr(estimate, seen), psnr(convention(measured), seen), ssim(estimate, seen, means)
            own = task.numbers(x_hat, seen)
            for i, (name, value, before, similarity) in enumerate(zip(names, *numbers, strict=True)):
                yield round_trip(
                    Record(
                        run=run,
                        data=protocol.data,
                        image=name,
                        sigma=float(level),
                        noise_seed=seed,
                        method=method,
                        psnr=value.item(),
                        psnr_input=before.item(),
                        ssim=similarity.item(),
                        seconds=seconds,
                        convention=protocol.convention,
                        weights=weights,
                        numbers={key: values[i].item() for key, values in own.items()},
                        level=protocol.level,
                    )
                )
            for observe in observers:
                observe(names, level, seen, measured, x_hat)


def _draws(
    task: Reconstruction, protocol: Protocol, names: list[str], shape: tuple[int, ...]
) -> Iterator[tuple[float, int, list[Random]]]:
    """Noise level, noise seed and the random numbers of each measurement, for every draw of a protocol.

    A generator draws on one CPU core, which takes longer than a small network on a GPU, so several draw in
    parallel. No network runs meanwhile, since the time of its restoration is recorded.
    """
    draws = list(itertools.product(protocol.levels, range(protocol.noise_seeds)))
    noise = task.physics.noise

    def numbers(draw: tuple[float, int]) -> list[Random]:
        if noise.is_silent(draw[0]):
            return [None] * len(names)
        return [noise.draw_ahead(shape, test_noise(protocol, name, *draw)) for name in names]

    threads = min(DRAWS_AT_ONCE, torch.get_num_threads())
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(draws), threads):
            group = draws[first : first + threads]
            numbers_of = deque(pool.map(numbers, group))
            for draw in group:
                yield *draw, numbers_of.popleft()


def _batches(images: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[int, list[str], Tensor]]:
    """Batches of consecutive images of one shape and type, with the number of the first image."""
    names: list[str] = []
    stack: list[Tensor] = []
    first = 0
    for name, image in images:
        full = len(stack) * image[0].numel() >= PIXELS_AT_ONCE - image[0].numel() + 1
        if stack and (image.shape != stack[0].shape or image.dtype != stack[0].dtype or full):
            yield first, names, torch.stack(stack)
            first, names, stack = first + len(names), [], []
        names.append(name)
        stack.append(image)
    if stack:
        yield first, names, torch.stack(stack)


def _synchronise(x: Tensor) -> None:
    # A GPU runs asynchronously, so the time is read after it has finished.
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
