import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from imaging.reporting.curves import read_curves, read_minutes


def write(directory, steps, scale=1.0):
    writer = SummaryWriter(str(directory / "tensorboard"))
    for step in steps:
        writer.add_scalar("train/loss", scale * step, step)
        writer.add_scalar("val/psnr", step / 2, step)
        writer.add_image("image", torch.rand(3, 128, 128), step)
    writer.close()


def accumulated(directory, tag):
    """By TensorBoard's own reader."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(directory / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return [e.step for e in events.Scalars(tag)], [e.value for e in events.Scalars(tag)]


def test_curves_are_those_that_tensorboard_reads(tmp_path):
    write(tmp_path, range(0, 100, 10))
    curves = read_curves(tmp_path, ["train/loss", "val/psnr", "absent"])
    assert curves["absent"] == ([], [])
    for tag in ("train/loss", "val/psnr"):
        assert curves[tag] == accumulated(tmp_path, tag)
    assert curves["train/loss"][0] == list(range(0, 100, 10))


def test_minutes_are_those_since_the_first_value(tmp_path):
    writer = SummaryWriter(str(tmp_path / "tensorboard"))
    for step in range(5):
        writer.add_scalar("train/loss", 1.0, step, walltime=1e9 + 30 * step)
    writer.add_scalar("val/psnr", 20.0, 5, walltime=1e9 + 150)
    writer.close()
    assert read_minutes(tmp_path, "val/psnr") == [(2.5, 20.0)]
    assert read_minutes(tmp_path, "absent") == []


def test_minutes_between_the_parts_of_a_resumed_run_do_not_count(tmp_path):
    for part, (first, day) in enumerate([(0, 0.0), (3, 86400.0)]):
        writer = SummaryWriter(str(tmp_path / "tensorboard"), filename_suffix=f".{part}")
        for step in range(first, first + 5):
            writer.add_scalar("train/loss", 1.0, step, walltime=1e9 + day + 60 * step)
            writer.add_scalar("val/psnr", 20.0 + step + 100 * part, step, walltime=1e9 + day + 60 * step)
        writer.close()
        (path,) = (p for p in (tmp_path / "tensorboard").iterdir() if p.name.endswith(f".{part}"))
        path.rename(path.with_name(f"events.out.tfevents.{part}"))
    minutes = read_minutes(tmp_path, "val/psnr")
    assert [value for _, value in minutes] == [20, 21, 22, 123, 124, 125, 126, 127]
    assert [time for time, _ in minutes] == pytest.approx([0, 1, 2, 2, 3, 4, 5, 6])


def test_what_a_killed_run_wrote_after_its_checkpoint_counts_no_more(tmp_path):
    write(tmp_path, range(0, 100, 10))
    (first,) = (tmp_path / "tensorboard").iterdir()
    first.rename(first.with_name("events.out.tfevents.0"))
    write(tmp_path, range(50, 80, 10), scale=2.0)
    steps, values = read_curves(tmp_path, ["train/loss"])["train/loss"]
    assert steps == list(range(0, 80, 10))
    assert values == pytest.approx([0, 10, 20, 30, 40, 100, 120, 140])


def test_files_of_one_second_are_read_in_the_order_of_their_counters(tmp_path):
    """A process that has written ten files: by its letters the eleventh comes before the tenth."""
    for counter, step in ((9, 1), (10, 2)):
        write(tmp_path, [step])
        (path,) = (p for p in (tmp_path / "tensorboard").iterdir() if ".host." not in p.name)
        path.rename(path.with_name(f"events.out.tfevents.1700000000.host.77.{counter}"))
    assert read_curves(tmp_path, ["train/loss"])["train/loss"] == ([1, 2], [1.0, 2.0])


@pytest.mark.parametrize("cut", [1, 40, 5000])
def test_a_file_that_ends_in_the_middle_of_a_record_is_read_up_to_it(tmp_path, cut):
    write(tmp_path, range(0, 100, 10))
    (path,) = (tmp_path / "tensorboard").iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    steps, values = read_curves(tmp_path, ["train/loss"])["train/loss"]
    assert steps == list(range(0, 100, 10))[: len(steps)]
    assert len(steps) >= 9
    assert values == [float(step) for step in steps]


def test_a_file_is_read_up_to_a_scalar_that_is_cut_anywhere(tmp_path):
    writer = SummaryWriter(str(tmp_path / "tensorboard"))
    for step in range(4):
        writer.add_scalar("train/loss", float(step), step)
    writer.close()
    (path,) = (tmp_path / "tensorboard").iterdir()
    whole, lengths = path.read_bytes(), []
    for cut in range(120):
        path.write_bytes(whole[: len(whole) - cut])
        steps, values = read_curves(tmp_path, ["train/loss"])["train/loss"]
        assert steps == list(range(len(steps))) == values
        lengths.append(len(steps))
    assert sorted(set(lengths), reverse=True) == list(dict.fromkeys(lengths))
    assert (lengths[0], lengths[1]) == (4, 3)


def test_a_run_without_curves_has_empty_ones(tmp_path):
    assert read_curves(tmp_path, ["train/loss"]) == {"train/loss": ([], [])}
