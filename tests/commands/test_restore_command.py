"""imaging restore"""

import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

from imaging.commands.restore import parse_psf
from imaging.errors import ImagingError
from imaging.physics import make_psf
from imaging.restoring.restorer import Restorer


def test_a_photograph_is_restored(imaging, run, photographs):
    status, printed, _ = imaging("restore", photographs / "test" / "piece-5.png", "a.png", "--network", run)
    assert status == 0
    assert "piece-5.png -> a.png; noise estimated at sigma" in printed
    with Image.open("a.png") as image:
        assert (image.size, image.mode) == ((64, 48), "RGB")


@pytest.mark.parametrize(
    "name",
    [
        "photo (1).png",
        "фото.png",
        "a=b.png",
        "John's.png",
        "img[1].png",
        "photo#1.png",
        "a&b.png",
        "2026_12_01.png",
        "~a.png",
        "${a}.png",
        'a"b,c {d}.png',
        "null.png",
    ],
)
def test_a_file_name_is_taken_literally(name, imaging, run, photographs, tmp_path):
    (tmp_path / name).write_bytes((photographs / "test" / "piece-5.png").read_bytes())
    (tmp_path / "out").mkdir()
    assert imaging("restore", name, f"out/{name}", "--network", run)[0] == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_a_directory_in_and_a_directory_out(imaging, run, photographs, tmp_path):
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    for name, source in (("a.png", "piece-5.png"), ("deeper/b.png", "piece-6.png")):
        (tmp_path / "in" / name).write_bytes((photographs / "test" / source).read_bytes())
    (tmp_path / "in" / "broken.jpg").write_bytes(b"no photograph")
    (tmp_path / "in" / "notes.txt").write_text("none either")
    status, printed, complained = imaging("restore", "in", "out", "--network", run)
    assert status == 2
    assert Image.open(tmp_path / "out" / "a.png").size == (64, 48)
    assert Image.open(tmp_path / "out" / "deeper" / "b.png").size == (64, 48)
    assert "2 of 3 images restored into out" in printed
    assert complained.count("\n") == 1
    assert "1 of 3 images not restored: in/broken.jpg: cannot read the image" in complained


def test_all_readable_is_success(imaging, run, photographs):
    status, printed, _ = imaging("restore", photographs / "test", "out", "--network", run)
    assert status == 0
    assert "2 of 2 images restored into out" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.png", "b.png"], "there is no image none.png"),
        (["a.png", "b.gif"], "cannot write b.gif: expected a name that ends in .png, .jpg"),
        (["a.png", "b.gif"], "expected a name that ends in .png"),
        (["a.png", "a.png"], "the output is the image itself"),
        (["a.png", "b.png", "--sigma", "-1"], "sigma is -1.0; expected a number from 0 to 1"),
        (["a.png", "b.png", "--sigma", "25"], "for intensities in [0, 1] (25/255 is 0.098)"),
        (["a.png", "b.png", "--psf", "digit"], "this one, dncnn, restores only what it was"),
        (
            ["a.png", "b.png", "--psf", "gauss:1"],
            "--psf is 'gauss:1'; expected an image file, or one of box, digit",
        ),
        (["a.png", "b.png", "--psf", "gaussian:-1"], "psf.sigma is -1.0; expected a positive number"),
        (["a.png", "b.png", "--psf", "gaussian:wide"], "expected numbers after gaussian:"),
        (["a.png", "b.png", "--psf", "motion:1:2:3"], "expected motion:<length>:<angle>"),
        (
            ["a.png", "b.png", "--boundary", "circular"],
            "boundary is for deconvolution; this network inverts identity",
        ),
        (["a.png", "b.png", "--mask", "a.png"], "mask is for a network that inpaints"),
        (["a.png", "b.png", "--device", "abacus"], "abacus"),
        (["in", "in"], "the output is in; for a directory of images expected another directory"),
        (["in", "out"], "no image (.png, "),
    ],
)
def test_a_mistake_is_reported_in_one_line(words, message, imaging, run, photographs, tmp_path):
    (tmp_path / "a.png").write_bytes((photographs / "test" / "piece-5.png").read_bytes())
    (tmp_path / "in").mkdir()
    status, _, complained = imaging("restore", *words, "--network", run)
    assert (status, complained.count("\n")) == (2, 1)
    assert message in complained
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("digit", {"name": "digit"}),
        ("gaussian:1.5", {"name": "gaussian", "sigma": 1.5, "size": None}),
        ("gaussian:2:9", {"name": "gaussian", "sigma": 2, "size": 9}),
        ("motion:9:-30", {"name": "motion", "length": 9, "angle": -30.0}),
        ("motion:15", {"name": "motion", "length": 15, "angle": 30.0}),
        ("trajectory:3", {"name": "trajectory", "index": 3}),
        ("a:b.png", {"name": "image", "path": "a:b.png"}),
    ],
)
def test_parse_psf(text, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").resize((5, 5)).save("a:b.png", "PNG")
    assert parse_psf(text) == config
    assert make_psf(config).sum().item() == pytest.approx(1, abs=1e-5)


def test_parse_psf_of_a_file_that_is_not_there():
    with pytest.raises(
        ImagingError, match=r"--psf is 'none\.png'; expected an image file, or one of box, digit"
    ):
        parse_psf("none.png")


@pytest.mark.parametrize("psf", ["digit", "psf.png", "gaussian:1.5"])
def test_deconvolution_with_another_blur(psf, imaging, command, tiny, photographs, tmp_path):
    Image.linear_gradient("L").resize((5, 5)).save(tmp_path / "psf.png")
    assert command("train.py", *tiny, "experiment=deconvolution", "model.network.hidden_channels=4")[0] == 0
    (run,) = tmp_path.glob("outputs/*/*")
    image = photographs / "test" / "piece-5.png"
    assert imaging("restore", image, "b.png", "--network", run, "--psf", psf)[0] == 0
    assert Image.open("b.png").size == (64, 48)


def test_a_solver_is_told_the_blur_and_the_borders(imaging, command, tiny, photographs, tmp_path):
    assert command("train.py", *tiny, "experiment=deconvolution_priors", "model.iterations=2")[0] == 0
    (run,) = tmp_path.glob("outputs/*/*")
    words = "restore", photographs / "test" / "piece-5.png"
    assert imaging(*words, "a.png", "--network", run, "--psf", "trajectory:0")[0] == 0
    assert (
        imaging(*words, "b.png", "--network", run, "--psf", "trajectory:0", "--boundary", "circular")[0] == 0
    )
    a, b = (np.asarray(Image.open(name)) for name in ("a.png", "b.png"))
    assert a.shape == b.shape == (48, 64, 3)
    assert (a != b).any()


def test_the_average_over_flips_and_turns_is_another_image(imaging, run, photographs):
    image = photographs / "test" / "piece-5.png"
    for name, options in (("a.png", []), ("b.png", ["--self-ensemble"])):
        assert imaging("restore", image, name, "--network", run, *options)[0] == 0
    a, b = (np.asarray(Image.open(name)) for name in ("a.png", "b.png"))
    assert a.shape == b.shape
    assert (a != b).any()


def test_inpainting_with_a_mask(imaging, command, tiny, photographs, tmp_path):
    arguments = [*tiny, "task=inpainter", "physics=mask", "physics.operator.rows=[2,9]"]
    assert command("train.py", *arguments)[0] == 0
    (run,) = tmp_path.glob("outputs/*/*")
    mask = np.full((48, 64), 255, np.uint8)
    mask[10:20, 5:30] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    source = photographs / "test" / "piece-5.png"
    assert imaging("restore", source, "b.png", "--network", run, "--mask", "mask.png")[0] == 0
    before, after = (np.asarray(Image.open(path)) for path in (source, "b.png"))
    assert np.array_equal(before[mask > 0], after[mask > 0])
    assert not np.array_equal(before[mask == 0], after[mask == 0])


def test_one_photograph_that_breaks_does_not_stop_the_others(
    imaging, run, photographs, tmp_path, monkeypatch
):
    whole = Restorer.file

    def file(self, image, *arguments):
        if image.name == "piece-5.png":
            raise RuntimeError("of a kind that nobody thought of")
        return whole(self, image, *arguments)

    monkeypatch.setattr(Restorer, "file", file)
    status, _, complained = imaging("restore", photographs / "test", "out", "--network", run)
    assert status == 2
    assert "piece-5.png: RuntimeError: of a kind that nobody thought of" in complained
    assert (tmp_path / "out" / "piece-6.png").is_file()


def test_what_was_restored_into_the_directory_itself_is_not_restored_again(
    imaging, run, photographs, tmp_path
):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes((photographs / "test" / "piece-5.png").read_bytes())
    for _ in range(2):
        assert imaging("restore", "in", tmp_path / "in" / "out", "--network", run)[0] == 0
    assert sorted(path.name for path in (tmp_path / "in").rglob("*")) == ["a.png", "a.png", "out"]


def test_a_directory_is_restored_into_the_one_that_holds_it(imaging, run, photographs, tmp_path):
    shutil.copytree(photographs / "test", "all/noisy")
    assert imaging("restore", "all/noisy", "all", "--network", run)[0] == 0
    restored = sorted(path.name for path in (tmp_path / "all").glob("*.png"))
    assert restored == sorted(path.name for path in (photographs / "test").iterdir())


def test_the_expected_error_of_a_photograph(imaging, run, photographs, tmp_path):
    photograph = photographs / "test" / "piece-5.png"
    for suffix in ("png", "npy"):
        words = ["restore", photograph, "a.png", "--network", run, "--error", f"map.{suffix}"]
        status, printed, complained = imaging(*words)
        assert status == 0, complained
        assert "expected PSNR" in printed
        assert f"errors of 90 % of the pixels are below those in map.{suffix}" in printed
    with Image.open("map.png") as picture:
        assert picture.size == (64, 48)
    assert np.load("map.npy").shape == (48, 64)
    with Image.open("a.png") as with_error:
        restored = np.asarray(with_error).astype(int)
    assert imaging("restore", photograph, "b.png", "--network", run)[0] == 0
    with Image.open("b.png") as without:
        assert np.abs(restored - np.asarray(without)).max() <= 1


def test_the_expected_errors_of_a_directory(imaging, run, photographs, tmp_path):
    noisy = shutil.copytree(photographs / "test", "noisy")
    words = ["restore", noisy, "out", "--network", run, "--error", "errors"]
    assert imaging(*words)[0] == 0
    names = sorted(path.name for path in (tmp_path / "noisy").iterdir())
    assert sorted(path.name for path in (tmp_path / "errors").iterdir()) == names
    status, _, complained = imaging(*words[:-1], "out")
    assert (status, complained.count("\n")) == (2, 1)
    assert "the error maps are out; " in complained
    for _ in range(2):  # maps among the images are no images
        printed = imaging(*words[:-1], "noisy/errors")[1]
        assert f"{len(names)} of {len(names)} images restored" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--error", "map.jpg"], "the error map is map.jpg; expected a name that ends in .png or .npy"),
        (["--error", "a.png"], "the error map is a.png, which is one of the images"),
        (["--error", "map.png", "--boundary", "circular"], "the expected error is for denoising, without"),
    ],
)
def test_a_wrong_error_map_is_refused(words, message, imaging, run, photographs):
    photograph = photographs / "test" / "piece-5.png"
    status, _, complained = imaging("restore", photograph, "a.png", "--network", run, *words)
    assert (status, complained.count("\n")) == (2, 1)
    assert message in complained


def test_the_noise_of_photographs(imaging, tmp_path):
    y = 0.5 + 0.05 * np.random.default_rng(0).standard_normal((2, 96, 96))
    (tmp_path / "in").mkdir()
    for index, image in enumerate(y):
        Image.fromarray((255 * image).round().astype(np.uint8)).save(tmp_path / "in" / f"{index}.png")
    status, printed, _ = imaging("noise", "in")
    assert status == 0
    sigmas = [float(line.rsplit(" ", 1)[1]) for line in printed.splitlines()]
    assert sigmas == pytest.approx([0.05] * 3, rel=0.15)
    assert printed.splitlines()[-1].startswith("median of 2 images: sigma 0.0")
    status, _, complained = imaging("noise", "nowhere.png")
    assert (status, complained) == (2, "imaging noise: there is no image nowhere.png\n")


def test_a_directory_with_a_stack_and_maps_of_its_errors(imaging, tmp_path):
    stack = np.random.default_rng(0).integers(0, 65536, (2, 40, 40), dtype=np.uint16)
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", stack, photometric="minisblack")
    tifffile.imwrite(tmp_path / "in" / "b.tif", stack[0])
    words = ["--network", "denoiser-32", "--error", "errors"]
    status, printed, complained = imaging("restore", "in", "out", *words)
    assert (status, complained) == (0, "")
    assert [line for line in printed.splitlines() if line.startswith("  page 2: ")]
    assert tifffile.imread(tmp_path / "out" / "a.tif").shape == (2, 40, 40)
    assert sorted(path.name for path in (tmp_path / "errors").iterdir()) == ["a.tif.npy", "b.tif.png"]
    status, printed, _ = imaging("noise", "in")
    assert [line.partition(":")[0] for line in printed.splitlines()[:3]] == [
        "in/a.tif, page 1",
        "in/a.tif, page 2",
        "in/b.tif",
    ]
