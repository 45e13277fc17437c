"""The order of the images, and that a resumed run neither skips nor repeats any."""

import warnings
from itertools import chain

import pytest
import torch

from imaging.data.batches import CropBatches, StackBatches
from imaging.data.loader import BatchLoader, EpochSampler
from imaging.errors import ImagingError

SIZE, BATCH, EPOCHS = 22, 4, 4  # six batches an epoch, the last one of two


def order(sampler: EpochSampler) -> list[list[int]]:
    return [indices.tolist() for _, indices in sampler]


def test_order_depends_on_seed_and_epoch_alone_and_is_a_permutation():
    sampler = EpochSampler(SIZE, BATCH, seed=3)
    first = order(sampler)
    assert sorted(chain(*first)) == list(range(SIZE))
    torch.manual_seed(99)
    assert order(EpochSampler(SIZE, BATCH, seed=3)) == first
    sampler.set_epoch(1)
    assert order(sampler) != first
    assert order(EpochSampler(SIZE, BATCH, seed=4)) != first
    assert order(EpochSampler(SIZE, BATCH, seed=4, shuffle=False))[0] == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [22, 21, 24, 25])
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_share_each_batch_of_the_single_process(size, ranks):
    whole = order(EpochSampler(size, BATCH, seed=0))
    shares = [EpochSampler(size, BATCH, seed=0, rank=rank, world_size=ranks) for rank in range(ranks)]
    slices = [order(share) for share in shares]
    assert len({tuple(map(len, share)) for share in slices}) == 1
    assert all(len(share) == len(sampler) for share, sampler in zip(slices, shares, strict=True))
    seen = list(chain(*chain(*slices)))
    assert len(seen) == len(set(seen)) == size - size % BATCH % ranks
    for step, batch in enumerate(whole[: size // BATCH]):
        assert sorted(chain(*(share[step] for share in slices))) == sorted(batch)


def test_batches_that_cannot_be_shared_are_refused():
    with pytest.raises(ImagingError, match="multiple of the 3 ranks"):
        EpochSampler(SIZE, BATCH, seed=0, world_size=3)
    with pytest.raises(ImagingError, match="1 training samples for 2 ranks"):
        EpochSampler(1, BATCH, seed=0, world_size=2)


def test_crops_are_the_same_in_any_batch_and_new_in_each_epoch():
    images = [torch.randint(0, 256, (3, 9 + i, 12), dtype=torch.uint8) for i in range(3)]
    crops = CropBatches(images, side=5, repeat=4, seed=1)
    assert len(crops) == 12
    together = crops[0, torch.arange(12)]
    assert together["image"].shape == (12, 3, 5, 5)
    assert together["index"].tolist() == [0, 1, 2] * 4
    assert torch.equal(crops[0, torch.tensor([7])]["image"][0], together["image"][7])
    assert not torch.equal(crops[1, torch.arange(12)]["image"], together["image"])


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_a_loader(workers):
    images = torch.arange(SIZE, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()
    state = torch.get_rng_state()
    loader = BatchLoader(StackBatches(images, repeat=2), EpochSampler(2 * SIZE, BATCH, seed=0), workers)
    batches = list(loader)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(batches) == len(loader) == 11
    assert batches[0]["image"].dtype == torch.uint8
    for batch in batches:
        assert torch.equal(batch["image"][:, 0, 0, 0].long(), batch["index"])
    assert sorted(torch.cat([batch["index"] for batch in batches]).tolist()) == sorted([*range(SIZE)] * 2)
    assert len(list(loader)) == 11  # a second time, without anyone naming an epoch


def test_a_checkpoint_of_other_data_is_refused():
    def loader(size: int, batch: int) -> BatchLoader:
        return BatchLoader(StackBatches(torch.zeros(size, 1, 1, 1)), EpochSampler(size, batch, seed=0))

    with pytest.raises(ImagingError, match="batch size 4, this run has 5"):
        loader(10, 5).load_state_dict(loader(10, 4).state_dict())
    with pytest.raises(ImagingError, match="data size 10, this run has 9"):
        loader(9, 4).load_state_dict(loader(10, 4).state_dict())


class Crash(Exception):
    pass


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    """fit(...) trains a module that only writes down (epoch, indices), and returns what it wrote."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint

    class Recorder(pl.LightningModule):
        def __init__(self, crash_at: int | None):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.crash_at, self.seen = crash_at, []

        def training_step(self, batch, batch_idx):
            if self.global_step == self.crash_at:
                raise Crash
            self.seen.append((self.current_epoch, batch_idx, batch["index"].tolist()))
            return self.weight.sum()

        def validation_step(self, batch, batch_idx):
            pass

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)

    def run(folder, workers, resume=None, crash_at=None, save=None, validate=True, **trainer):
        module = Recorder(crash_at)
        images = torch.zeros(SIZE, 1, 1, 1, dtype=torch.uint8)
        loader = BatchLoader(StackBatches(images), EpochSampler(SIZE, BATCH, seed=5), workers)
        checkpoint = ModelCheckpoint(folder, **(save or {}), save_top_k=-1, filename="{step}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pl.Trainer(
                accelerator="cpu",
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                callbacks=[checkpoint],
                use_distributed_sampler=False,
                num_sanity_val_steps=0,
                **({"max_epochs": EPOCHS} | trainer),
            ).fit(module, loader, [torch.zeros(1)] if validate else None, ckpt_path=resume, weights_only=True)
        return module.seen

    return run


EACH_STEP = {"every_n_train_steps": 1}
EACH_EPOCH = {"every_n_epochs": 1, "save_on_train_epoch_end": True}
AFTER_VALIDATION = {"every_n_epochs": 1, "save_on_train_epoch_end": False}


def test_lightning_names_the_epochs_and_sees_the_order_of_the_sampler(fit, tmp_path):
    sampler, expected = EpochSampler(SIZE, BATCH, seed=5), []
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        expected += [(epoch, step, indices) for step, indices in enumerate(order(sampler))]
    assert fit(tmp_path, 0) == expected


STOPS = [
    (EACH_STEP, 2),  # in the middle of the first epoch
    (EACH_STEP, 6),  # after the first epoch's last batch, before the epoch's end is noted
    (EACH_STEP, 9),  # in the middle of a later epoch
    (EACH_STEP, 11),  # before an epoch's last batch
    (EACH_EPOCH, 12),
]


@pytest.mark.parametrize(
    ("save", "step", "validate"),
    [(*stop, validate) for stop in STOPS for validate in (True, False)] + [(AFTER_VALIDATION, 12, True)],
)
def test_resumed_run_sees_what_the_uninterrupted_one_sees(fit, tmp_path, save, step, validate):
    whole = fit(tmp_path / "whole", 0, save=save, validate=validate)
    # Killed one step after the checkpoint, so that what the killed run did beyond it must be done again.
    with pytest.raises(Crash):
        fit(tmp_path / "cut", 0, save=save, validate=validate, crash_at=step + 1)
    resumed = fit(tmp_path / "cut", 0, tmp_path / "cut" / f"step={step}.ckpt", save=save, validate=validate)
    assert resumed == whole[step:]


@pytest.mark.parametrize("step", [9, 12])
@pytest.mark.parametrize("limit", [{"max_steps": 23, "max_epochs": -1}, {"limit_train_batches": 5}])
def test_resume_with_limits(fit, tmp_path, step, limit):
    whole = fit(tmp_path / "whole", 0, save=EACH_STEP, **limit)
    resumed = fit(tmp_path / "r", 0, tmp_path / "whole" / f"step={step}.ckpt", save=EACH_STEP, **limit)
    assert resumed == whole[step:]


def test_resume_of_a_run_that_max_steps_ended(fit, tmp_path):
    whole = fit(tmp_path / "whole", 0)
    fit(tmp_path / "cut", 0, save=EACH_STEP, max_steps=8)
    assert fit(tmp_path / "cut", 0, tmp_path / "cut" / "step=8.ckpt", max_epochs=EPOCHS) == whole[8:]


@pytest.mark.parametrize("step", [8, 12])
def test_resume_with_workers(fit, tmp_path, step):
    whole = fit(tmp_path / "whole", 0, save=EACH_STEP)
    with pytest.raises(Crash):
        fit(tmp_path / "cut", 2, save=EACH_STEP, crash_at=step)
    assert fit(tmp_path / "cut", 2, tmp_path / "cut" / f"step={step}.ckpt") == whole[step:]
