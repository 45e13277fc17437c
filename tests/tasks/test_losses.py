"""What is minimised, and who is told the noise."""

import pytest
import torch
from test_reconstruction import CONFIG, Discs, trainer
from torch import nn

from imaging.data import ImageData
from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.randomness import generator
from imaging.tasks import LOSSES, build_task

NAMES = ["mse", "mse_over_variance", "log_mse"]
RANGE = CONFIG | {"physics": {"operator": {"name": "identity"}, "noise": {"sigma": [0.05, 0.2]}}}


def config(loss, base=RANGE):
    return base | {"loss": {"name": loss}}


def test_losses_are_what_their_names_say():
    x, x_hat = torch.rand(3, 2, 5, 5), torch.rand(3, 2, 5, 5)
    sigma = torch.tensor([0.1, 0.2, 0.4]).reshape(3, 1, 1, 1)
    errors = (x_hat - x).square().mean(dim=(1, 2, 3))
    mse, weighted_mse, log_mse = (LOSSES.build({"name": name}) for name in NAMES)
    assert mse(x_hat, x, sigma).item() == pytest.approx(errors.mean().item())
    weighted = (errors / torch.tensor([0.01, 0.04, 0.16])).mean().item()
    assert weighted_mse(x_hat, x, sigma).item() == pytest.approx(weighted, rel=1e-5)
    assert log_mse(x_hat, x, sigma).item() == pytest.approx(-psnr(x_hat, x).mean().item() / 10)


def test_a_patch_that_is_restored_wholly_has_a_finite_loss_and_gradient():
    x = torch.rand(1, 1, 4, 4)
    x_hat = x.clone().requires_grad_()
    loss = LOSSES.build({"name": "log_mse"})(x_hat, x, torch.zeros(1, 1, 1, 1))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(x_hat.grad).all()


@pytest.mark.parametrize("loss", NAMES)
def test_training_by_each_of_them_removes_noise(loss):
    task = build_task(config(loss))
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2, seed=3)
    trainer(max_steps=150, val_check_interval=1000).fit(task, datamodule=data)
    x = Discs().read("test", 0)[None] / 255
    y = task.measure(x, generator("test"), 0.1)
    assert psnr(task.restore(y), x).item() > psnr(y, x).item() + 3


def test_an_unknown_loss_and_a_division_by_no_noise_are_refused():
    with pytest.raises(ImagingError, match=r"^unknown loss 'msee' \(did you mean 'mse'\?\); there are: "):
        build_task(config("msee"))
    silent = RANGE | {"physics": {"operator": {"name": "identity"}, "noise": {"sigma": [0.0, 0.2]}}}
    with pytest.raises(ImagingError, match=r"needs noise, and physics\.noise\.sigma reaches 0"):
        build_task(config("mse_over_variance", silent))


class Told(nn.Module):
    """Remembers what it is told, and learns nothing to speak of."""

    takes_sigma = True

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.met = []

    def forward(self, y, sigma):
        self.met.append((y.detach(), sigma.detach()))
        return self.scale * y


def test_a_network_that_takes_sigma_is_told_that_of_each_image():
    task = build_task(RANGE)
    task.network, task.uses_sigma = Told(), True
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2, seed=3)
    measured = []
    task.physics.register_forward_hook(lambda module, arguments, y: measured.append((arguments[0], y)))
    trainer(max_steps=2, val_check_interval=1000).fit(task, datamodule=data)
    for (x, y), (seen, sigma) in zip(measured, task.network.met, strict=True):
        assert torch.equal(y, seen)
        assert sigma.shape == (4, 1, 1, 1)
        assert len(sigma.unique()) == 4
        deviation = (y - x).flatten(1).std(dim=1)
        assert torch.allclose(deviation, sigma.flatten(), rtol=0.15)
    y = torch.rand(2, 1, 8, 8)
    task.restore(y, 0.125)
    assert task.network.met[-1][1].flatten().tolist() == [0.125, 0.125]
    with pytest.raises(ImagingError, match="needs the standard deviation of the noise"):
        task.restore(y)


def test_each_rank_is_told_the_sigmas_of_its_images():
    task, x = build_task(RANGE), torch.rand(4, 1, 8, 8)
    task.network, task.uses_sigma = Told(), True
    for shard, images in (((0, 1), x), ((0, 2), x[::2]), ((1, 2), x[1::2])):
        task.shard = shard
        task.training_step({"image": images}, 7)
    (y, whole), *parts = task.network.met
    for rank, (y_part, sigma) in enumerate(parts):
        assert torch.equal(sigma, whole[rank::2])
        assert torch.equal(y_part, y[rank::2])
