"""evaluate.py image=… output=…"""

import pytest
from PIL import Image


def test_a_directory_in_and_a_directory_out(command, run, photographs, tmp_path):
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    for name, source in (("a.png", "piece-5.png"), ("deeper/b.png", "piece-6.png")):
        (tmp_path / "in" / name).write_bytes((photographs / "test" / source).read_bytes())
    (tmp_path / "in" / "broken.jpg").write_bytes(b"no photograph")
    (tmp_path / "in" / "notes.txt").write_text("none either")
    status, printed, complained = command("evaluate.py", f"run={run}", "image=in", "output=out")
    assert status == 2
    assert Image.open(tmp_path / "out" / "a.png").size == (64, 48)
    assert Image.open(tmp_path / "out" / "deeper" / "b.png").size == (64, 48)
    assert "2 of 3 images restored into out" in printed
    assert complained.count("\n") == 1
    assert "1 of 3 images not restored: in/broken.jpg: cannot read the image" in complained


def test_all_readable_is_success(command, run, photographs):
    status, printed, _ = command("evaluate.py", f"run={run}", f"image={photographs / 'test'}", "output=out")
    assert status == 0
    assert "2 of 2 images restored into out" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["image=none.png", "output=a.png"], "there is no image none.png"),
        (["image=a.png"], "say where the restored image goes, e.g. output=a-restored.png"),
        (["image=a.png", "output=a.gif"], "cannot write a.gif: its name ends in none of .png, .jpg"),
        (["image=a.png", "output=a.png"], "output is the image itself"),
        (["image=a.png", "output=b.png", "sigma=-1"], "sigma is -1; expected that of the noise"),
        (["image=a.png", "output=b.png", "sigma=25"], "of intensities in [0, 1]: 25 of 255 is 0.098"),
        (["image=a.png", "output=b.png", "psf=digit"], "a dncnn knows only what it was trained on"),
        (["image=a.png", "output=b.png", "mask=a.png"], "mask is for a network that inpaints"),
        (["image=a.png", "output=b.png", "sigmas=[0.1]"], "sigmas has no effect on photographs"),
        (["image=in", "output=in"], "output is in; for a directory of images expected another directory"),
        (["image=in", "output=out"], "no image (.png, "),
        (["sigma=0.1"], "on a data set it is sigmas=[…] or sigma=estimated"),
        (["sigma=estimated"], "is not told sigma, and needs no estimate"),
        (["image="], "say where"),
        (["output=b.png"], "output=b.png is an image: say of what, image=…"),
        (["data.max_test_images=1"], "'data' without a choice of it: add data=…, one of: bsd68, bsds300, "),
        (["image=a.png", "output=b.png", "psf.sigma=2"], "add psf=…, one of: digit, gaussian, "),
        (["self_ensemble=off"], "self_ensemble is 'off'; expected true or false"),
        (["export=a.pt2", "image=a.png"], "image has no effect with export=…"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, words, command, run, photographs, tmp_path):
    (tmp_path / "a.png").write_bytes((photographs / "test" / "piece-5.png").read_bytes())
    (tmp_path / "in").mkdir()
    status, _, complained = command("evaluate.py", f"run={run}", *arguments)
    assert status == 2
    assert complained.count("\n") == 1
    assert words in complained
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    "psf",
    [["psf=digit"], ["psf=image", "psf.path=psf.png"], ["psf=gaussian", "psf.sigma=1.5"]],
    ids=lambda words: words[0],
)
def test_deconvolution_with_another_blur(psf, command, tiny, photographs, tmp_path):
    Image.linear_gradient("L").resize((5, 5)).save(tmp_path / "psf.png")
    arguments = [*tiny, "experiment=deconvolution", "model.network.hidden_channels=4"]
    assert command("train.py", *arguments)[0] == 0
    (run,) = tmp_path.glob("outputs/*/*")
    image = f"image={photographs / 'test' / 'piece-5.png'}"
    assert command("evaluate.py", f"run={run}", image, *psf, "output=b.png")[0] == 0
    assert Image.open("b.png").size == (64, 48)


def test_inpainting_with_a_mask(command, tiny, photographs, tmp_path):
    import numpy as np

    arguments = [*tiny, "task=inpainter", "physics=mask", "physics.operator.rows=[2,9]"]
    assert command("train.py", *arguments)[0] == 0
    (run,) = tmp_path.glob("outputs/*/*")
    mask = np.full((48, 64), 255, np.uint8)
    mask[10:20, 5:30] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    source = photographs / "test" / "piece-5.png"
    arguments = [f"run={run}", f"image={source}", "mask=mask.png", "output=b.png"]
    assert command("evaluate.py", *arguments)[0] == 0
    before, after = (np.asarray(Image.open(path)) for path in (source, "b.png"))
    assert np.array_equal(before[mask > 0], after[mask > 0])
    assert not np.array_equal(before[mask == 0], after[mask == 0])


def test_one_photograph_that_breaks_does_not_stop_the_others(
    command, run, photographs, tmp_path, monkeypatch
):
    from imaging.photographs.restorer import Restorer

    whole = Restorer.file

    def file(self, image, *arguments):
        if image.name == "piece-5.png":
            raise RuntimeError("of a kind that nobody thought of")
        return whole(self, image, *arguments)

    monkeypatch.setattr(Restorer, "file", file)
    status, _, complained = command(
        "evaluate.py", f"run={run}", f"image={photographs / 'test'}", "output=out"
    )
    assert status == 2
    assert "piece-5.png: RuntimeError: of a kind that nobody thought of" in complained
    assert (tmp_path / "out" / "piece-6.png").is_file()


def test_what_was_restored_into_the_directory_itself_is_not_restored_again(
    command, run, photographs, tmp_path
):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes((photographs / "test" / "piece-5.png").read_bytes())
    for _ in range(2):
        arguments = [f"run={run}", "image=in", f"output={tmp_path}/in/out"]
        assert command("evaluate.py", *arguments)[0] == 0
    assert sorted(path.name for path in (tmp_path / "in").rglob("*")) == ["a.png", "a.png", "out"]
