"""Random point spread functions, to train networks for any blur."""

import math

import torch
from torch import Tensor

POINTS = 192  # of a trajectory
SHARES = {"trajectory": 0.55, "line": 0.1, "gaussian": 0.15, "disk": 0.1, "box": 0.1}


def random_psfs(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Draw n psfs: camera shake, straight motion, Gaussians, disks and boxes of random sizes.

    - trajectory: a path whose direction does a random walk, with jerks, and whose speed varies; it is 3 to
      `side` - 2 pixels long or high, and 1 to 2.5 pixels wide. After Boracchi and Foi 2012, "Modeling the
      performance of image restoration from motion blur", with the direction as the state.
    - line: the same without a change of direction or speed.
    - gaussian: with two standard deviations, 0.4 to `side` / 7, at any angle.
    - disk: of radius 0.6 to `side` / 3.
    - box: 1 to 0.6 `side` pixels high and wide.

    The square root of an extent is uniform, so that long ones are not rare.

    Args:
        n: number of psfs.
        side: of the psfs in pixels, odd.
        generator: the only source of randomness, on the CPU.

    Returns:
        float32 (n, k, k), sums 1, k odd, at most `side`: the smallest k that holds all n.

    Examples:
        >>> from imaging.randomness import generator
        >>> random_psfs(4, 31, generator(0, "psf")).shape[0]
        4
    """
    draws = {name: DRAW[name](n, side, generator) for name in SHARES}  # all, as n is small and they are fast
    kind = torch.multinomial(torch.tensor([*SHARES.values()]), n, replacement=True, generator=generator)
    psfs = torch.stack([*draws.values()])[kind, torch.arange(n)]
    psfs = torch.where(psfs > 0.01 * psfs.amax((1, 2), keepdim=True), psfs, 0)
    support = (psfs > 0).any(0)
    distance = (torch.arange(side) - side // 2).abs()
    margin = side // 2 - int(distance[support.any(0) | support.any(1)].max())
    psfs = psfs[:, margin : side - margin, margin : side - margin]
    return psfs / psfs.sum((1, 2), keepdim=True)


def _extents(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return (low**0.5 + (high**0.5 - low**0.5) * torch.rand(n, generator=generator)) ** 2


def _grid(side: int) -> tuple[Tensor, Tensor]:
    line = torch.arange(side).float() - side // 2
    return line[:, None], line


def _trajectories(n: int, side: int, generator: torch.Generator, straight: bool = False) -> Tensor:
    turn = _extents(n, 0.01, 0.25, generator)[:, None] * torch.randn(n, POINTS, generator=generator)
    jerk = torch.rand(n, POINTS, generator=generator) < 1.5 / POINTS
    turn = turn + jerk * math.pi * (torch.rand(n, POINTS, generator=generator) + 0.5)
    pace = 0.08 * torch.randn(n, POINTS, generator=generator).cumsum(1)
    start = 2 * math.pi * torch.rand(n, 1, generator=generator)
    length = _extents(n, 2.0, side - 3.0, generator)[:, None]
    width = _extents(n, 1.0, 1.6, generator)[:, None, None]
    if straight:
        turn, pace = torch.zeros_like(turn), torch.zeros_like(pace)
    angle = start + turn.cumsum(1)
    paths = torch.stack([angle.sin() * pace.exp(), angle.cos() * pace.exp()]).cumsum(2)
    low, high = paths.amin(2, keepdim=True), paths.amax(2, keepdim=True)
    paths = (paths - (low + high) / 2) / (high - low).amax(0).clamp_min(1e-6) * length
    grid = torch.arange(side) - side // 2
    rows, columns = ((1 - (path[..., None] - grid).abs() / width).clamp_min(0) for path in paths)
    return torch.einsum("npi,npj->nij", rows, columns)


def _lines(n: int, side: int, generator: torch.Generator) -> Tensor:
    return _trajectories(n, side, generator, straight=True)


def _gaussians(n: int, side: int, generator: torch.Generator) -> Tensor:
    first, second = (_extents(n, 0.4, side / 7, generator)[:, None, None] for _ in range(2))
    angle = math.pi * torch.rand(n, 1, 1, generator=generator)
    down, right = _grid(side)
    along, across = angle.cos() * right + angle.sin() * down, angle.cos() * down - angle.sin() * right
    return torch.exp(-((along / first) ** 2 + (across / second) ** 2) / 2)


def _disks(n: int, side: int, generator: torch.Generator) -> Tensor:
    radius = _extents(n, 0.6, side / 3, generator)[:, None, None]
    down, right = _grid(side)
    return (radius + 0.5 - torch.hypot(down, right)).clamp(0, 1)


def _boxes(n: int, side: int, generator: torch.Generator) -> Tensor:
    sizes = _extents(2 * n, 1, 0.6 * side, generator).round().int().view(2, n, 1)
    offset = torch.arange(side, dtype=torch.int) - side // 2
    # An even psf has one more pixel before its centre than after it.
    rows, columns = ((offset >= -(sizes // 2)) & (offset < sizes - sizes // 2)).float()
    return rows[:, :, None] * columns[:, None, :]


DRAW = {
    "trajectory": _trajectories,
    "line": _lines,
    "gaussian": _gaussians,
    "disk": _disks,
    "box": _boxes,
}
