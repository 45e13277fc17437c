"""Restore test images and measure the quality of each one."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from imaging.data.turning import as_measured
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.records import Record, round_trip
from imaging.metrics import CONVENTIONS, local_means, psnr, ssim
from imaging.physics.noise import Random
from imaging.randomness import generator
from imaging.tasks.reconstruction import Reconstruction, as_float

# Small images are batched up to this number of pixels; batches of photographs are not faster.
PIXELS_AT_ONCE = 256 * 28 * 28
DRAWS_AT_ONCE = 4  # limits the memory for the noise of a batch

Observer = Callable[[list[str], float, Tensor | None, Tensor, Tensor], None]


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
        images: pairs of an id and a clean image (C, H, W), uint8 or float; or a measurement.
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
    measure = _restore_simulated if protocol.clean else _restore_measured
    for first, names, batch in batches_of(images):
        if not select(first, names):
            continue
        for one in measure(task, protocol, names, batch.to(task.device)):
            for i, name in enumerate(names):
                yield round_trip(
                    Record(
                        run=run,
                        data=protocol.data,
                        image=name,
                        sigma=float(one.level),
                        noise_seed=one.seed,
                        method=method,
                        psnr=one.psnr[i].item(),
                        psnr_input=one.psnr_input[i].item(),
                        ssim=one.ssim[i].item(),
                        seconds=one.seconds / len(names),
                        convention=protocol.recorded,
                        weights=weights,
                        numbers={key: values[i].item() for key, values in one.numbers.items()},
                        level=protocol.level,
                    )
                )
            for observe in observers:
                observe(names, one.level, *one.images)


@dataclass(frozen=True)
class _Restored:
    """A restored batch.

    Args:
        level, seed: of the noise.
        seconds: that the network took.
        psnr, psnr_input, ssim: of each image, (N,).
        numbers: the task's own metrics, (N,) by name.
        images: clean, measured and restored, intensities (N, C, H, W); clean is None if there are none.
    """

    level: float
    seed: int
    seconds: float
    psnr: Tensor
    psnr_input: Tensor
    ssim: Tensor
    numbers: dict[str, Tensor]
    images: tuple[Tensor | None, Tensor, Tensor]


def _restore_simulated(
    task: Reconstruction, protocol: Protocol, names: list[str], batch: Tensor
) -> Iterator[_Restored]:
    """Measure and restore clean images with every noise of the protocol."""
    convention, operator = CONVENTIONS[protocol.convention], task.physics.operator
    x = as_float(batch)
    shape, visible = operator.output_shape(tuple(x.shape[1:])), operator.visible
    seen = visible(x).contiguous()
    means = local_means(seen)
    for level, seed, random in _draws(task, protocol, names, shape):
        # One image at a time, so that the measurements do not depend on the batch size.
        y = torch.cat([task.measure(x[i : i + 1], random[i], level) for i in range(len(names))])
        x_hat, seconds = _timed(partial(task.restore, y, task.sigma_of(level)), x)
        x_hat = visible(x_hat).contiguous()  # sums over two memory layouts are slower
        measured = visible(task.preview(y))
        estimate = convention(x_hat)
        numbers = psnr(estimate, seen), psnr(convention(measured), seen), ssim(estimate, seen, means)
        yield _Restored(level, seed, seconds, *numbers, task.numbers(x_hat, seen), (seen, measured, x_hat))


def _restore_measured(
    task: Reconstruction, protocol: Protocol, names: list[str], batch: Tensor
) -> Iterator[_Restored]:
    """Restore measurements; the qualities are those expected."""
    (level,), visible = protocol.levels, task.physics.operator.visible
    measured = as_measured({"image": batch, "id": names}, protocol.pairs)
    x_hat, seconds = _timed(lambda: task.restore_measured(measured, level), batch)
    values, before = task.expected(measured, x_hat, level)
    images = None, visible(task.preview(task.measured(measured))), visible(x_hat)
    yield _Restored(level, 0, seconds, values, before, torch.full_like(values, torch.nan), {}, images)


def _timed(restore: Callable[[], Tensor], x: Tensor) -> tuple[Tensor, float]:
    """The restored images, and the seconds that it took."""
    _synchronise(x)
    began = time.perf_counter()
    x_hat = restore()
    _synchronise(x)
    return x_hat, time.perf_counter() - began


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


def batches_of(images: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[int, list[str], Tensor]]:
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
