"""The lesson `ablation`: PSNR, noise, and the loop over biases and widths."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from imaging.lessons.exercise import Arguments, Exercise, Input, Lesson, Mistake, Outputs
from imaging.lessons.noise import NOISE, add_noise
from imaging.lessons.psnr import PSNR, images, mean_psnr


class Denoiser:
    """A network of one layer: x_hat is y minus a weighted sum of features of y, plus a bias.

    Args:
        bias: whether it has one.
        width: the number of features.
    """

    def __init__(self, bias: bool, width: int):
        self.bias, self.width = bool(bias), int(width)
        self.weights = 0.2 / (1 + torch.arange(self.width + self.bias, dtype=torch.float64))

    def features(self, y: Tensor) -> Tensor:
        """(N, C, H, W, number of weights)."""
        mean = sum(y.roll(shift, dim) for shift in (-1, 1) for dim in (-2, -1)) / 4
        columns = [torch.sin(3 * k * y) if k else y - mean for k in range(self.width)]
        columns += [torch.ones_like(y)] * self.bias
        return torch.stack(columns, -1) if columns else y.new_zeros(*y.shape, 0)

    def __call__(self, y: Tensor) -> Tensor:
        return y - self.features(y) @ self.weights


def train(network: Denoiser, noisy: Tensor, clean: Tensor) -> None:
    """Ten steps of gradient descent on the mean squared error."""
    features = network.features(noisy).flatten(0, -2)
    error = (noisy - clean).flatten()
    square, product = features.T @ features / len(error), features.T @ error / len(error)
    for _ in range(10):
        network.weights = network.weights + 0.5 * (product - square @ network.weights)


def ablation(
    build: Callable[[bool, int], Denoiser],
    train: Callable[[Denoiser, Tensor, Tensor], None],
    add_noise: Callable[[Tensor, float, int], Tensor],
    mean_psnr: Callable[[Tensor, Tensor], Tensor],
    train_images: Tensor,
    test_images: Tensor,
    biases: Sequence[bool],
    widths: Sequence[int],
    sigma: float,
    seed: int,
    *,
    shared: str = "nothing",
    trainings: int = 1,
    pairs: str = "noisy to clean",
    measured: str = "test",
    against: str = "clean",
    restorations: int = 1,
    gain: bool = False,
    noisy_test: bool = True,
    test_seed: int = 1,
    train_seed: int = 0,
    seed_per_cell: bool = False,
    train_sigma: Callable[[float], float] = lambda sigma: sigma,
    test_sigma: Callable[[float], float] = lambda sigma: sigma,
    result: Callable[[Tensor], Tensor] = lambda table: table,
) -> Outputs:
    """The table of mean PSNR: a network for each bias and width, with the same noise for all of them."""
    table = torch.zeros(len(biases), len(widths), dtype=torch.float64)
    networks: dict[tuple, Denoiser] = {}
    learnt_from = test_images if pairs == "test images" else train_images
    tested = train_images if measured == "train" else test_images
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            key = {"nothing": (i, j), "all": (), "bias": (i,), "width": (j,)}[shared]
            network = networks.setdefault(key, build(bias, width))
            cell = i * len(widths) + j if seed_per_cell else 0
            noisy = add_noise(learnt_from, train_sigma(sigma), seed + train_seed + cell)
            noisy = learnt_from if pairs == "clean to clean" else noisy
            target = noisy if pairs == "noisy to noisy" else learnt_from
            noisy, target = (target, noisy) if pairs == "clean to noisy" else (noisy, target)
            for _ in range(trainings):
                train(network, noisy, target)
            y = add_noise(tested, test_sigma(sigma), seed + test_seed + cell) if noisy_test else tested
            truth = {"clean": tested, "noisy": y}[against]
            x_hat = y
            for _ in range(restorations):
                x_hat = network(x_hat)
            table[i, j] = mean_psnr(x_hat, truth) - (mean_psnr(y, tested) if gain else 0)
    return (result(table),)


def loop_input(label: str, biases: Sequence[bool], widths: Sequence[int], sigma: float, seed: int) -> Input:
    def make() -> Arguments:
        smooth = torch.nn.functional.avg_pool2d(images(5, 1, 14, 16, key="x"), 4, stride=2)
        return {
            "build": Denoiser,
            "train": train,
            "add_noise": lambda x, sigma, seed: add_noise(x, sigma, seed)[0],
            "mean_psnr": lambda x_hat, x: mean_psnr(x_hat, x)[0],
            "train_images": smooth[:2],
            "test_images": smooth[2:],
            "biases": list(biases),
            "widths": list(widths),
            "sigma": sigma,
            "seed": seed,
        }

    return Input(label, make)


def _built_wrongly(arguments: Arguments) -> Arguments:
    build = arguments["build"]
    return {**arguments, "build": lambda bias, width: build(width, bias)}


LOOP = Exercise(
    "ablation",
    ("table",),
    ablation,
    (
        loop_input("two biases and three widths", [False, True], [1, 2, 4], 0.1, 5),
        loop_input("the other order, more noise", [True, False], [3, 1], 0.2, 0),
        loop_input("one bias", [True], [2, 3, 4], 0.15, 8),
    ),
    (
        Mistake("one network for all cells: build a new one for each", {"shared": "all"}),
        Mistake("one network for all widths of a bias: build a new one for each", {"shared": "bias"}),
        Mistake("one network for all biases of a width: build a new one for each", {"shared": "width"}),
        Mistake("tested on the training images", {"measured": "train"}),
        Mistake("trained on the test images", {"pairs": "test images"}),
        Mistake("not trained", {"trainings": 0}),
        Mistake("trained twice", {"trainings": 2}),
        Mistake("trained without noise: clean images to clean ones", {"pairs": "clean to clean"}),
        Mistake("trained towards the noisy images", {"pairs": "noisy to noisy"}),
        Mistake("noisy and clean exchanged in the training", {"pairs": "clean to noisy"}),
        Mistake("compared with the noisy images", {"against": "noisy"}),
        Mistake("noisy images measured: they are not restored", {"restorations": 0}),
        Mistake("restored twice", {"restorations": 2}),
        Mistake("gain over the noisy images where PSNR belongs", {"gain": True}),
        Mistake("tested without noise", {"noisy_test": False}),
        Mistake("test noise has the seed of the training noise", {"test_seed": 0}),
        Mistake("training noise has the seed of the test noise", {"train_seed": 1}),
        Mistake("other noise for each network", {"seed_per_cell": True}),
        Mistake("bias and width exchanged in build", before=_built_wrongly),
        Mistake("sigma divided by 255", before=lambda a: {**a, "sigma": a["sigma"] / 255}),
        Mistake("sigma divided by 255 in the training", {"train_sigma": lambda sigma: sigma / 255}),
        Mistake("sigma divided by 255 in the test", {"test_sigma": lambda sigma: sigma / 255}),
        Mistake("sigma squared", before=lambda a: {**a, "sigma": a["sigma"] ** 2}),
        Mistake("sigma doubled in the test", {"test_sigma": lambda sigma: 2 * sigma}),
        Mistake("rows in the opposite order", {"result": lambda table: table.flip(0)}),
        Mistake("columns in the opposite order", {"result": lambda table: table.flip(1)}),
        Mistake("every column is the last", {"result": lambda table: table[:, -1:].expand(table.shape)}),
        Mistake("every row is the last", {"result": lambda table: table[-1:].expand(table.shape)}),
        Mistake("only the last column", {"result": lambda table: table[:, -1]}),
        Mistake("only the last row", {"result": lambda table: table[-1]}),
        Mistake("only the last cell", {"result": lambda table: table[-1, -1]}),
        Mistake(
            "difference from the first cell where PSNR belongs", {"result": lambda table: table - table[0, 0]}
        ),
        Mistake("mean over the widths", {"result": lambda table: table.mean(1)}),
        Mistake("mean over the biases", {"result": lambda table: table.mean(0)}),
    ),
)

ABLATION = Lesson("ablation", (PSNR, NOISE, LOOP))
