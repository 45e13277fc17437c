"""Building by name, and what a wrong config is told."""

import sys

import pytest

from imaging.errors import ImagingError
from imaging.registry import Registry, load_entry_points

MODULE = """
from {package} import THINGS

@THINGS.register("lens")
class Lens:
    def __init__(self, focus: float, glass: str | None = None, flips: list | None = None, on: bool = True):
        self.settings = dict(focus=focus, glass=glass, flips=flips, on=on)
"""


@pytest.fixture
def things(tmp_path, monkeypatch):
    """The registry of a package with one module, which nobody has imported yet."""
    package = "package_of_things"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(
        f"from imaging.registry import Registry\nTHINGS = Registry('thing', '{package}')\n"
    )
    (tmp_path / package / "lens.py").write_text(MODULE.format(package=package))
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__(package).THINGS
    for module in (package, f"{package}.lens"):
        sys.modules.pop(module, None)


def test_a_new_file_is_enough_to_be_known(things):
    assert things.names() == ["lens"]


def test_builds_with_settings_and_defaults(things):
    lens = things.build({"name": "lens", "focus": 2, "flips": [0, 1]})
    assert lens.settings == {"focus": 2, "glass": None, "flips": [0, 1], "on": True}


def test_the_config_is_left_alone(things):
    config = {"name": "lens", "focus": 2.0}
    things.build(config)
    assert config == {"name": "lens", "focus": 2.0}


def test_given_arguments_cannot_be_overridden(things):
    assert things.build({"name": "lens"}, focus=3.0).settings["focus"] == 3.0
    with pytest.raises(ImagingError, match="no setting 'focus'"):
        things.build({"name": "lens", "focus": 1.0}, focus=3.0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"name": "lense", "focus": 1.0},
            r"unknown thing 'lense' \(did you mean 'lens'\?\); there are: lens",
        ),
        ({"focus": 1.0}, "unknown thing 'None'"),
        ({"name": "os.system"}, "unknown thing 'os.system'"),
        ({"name": "lens", "fokus": 1.0}, r"no setting 'fokus' \(did you mean 'focus'\?\)"),
        ({"name": "lens"}, "needs the setting 'focus'"),
        ({"name": "lens", "focus": "far"}, "thing.focus is 'far'; expected a number"),
        ({"name": "lens", "focus": 1.0, "glass": 3}, "thing.glass is 3; expected text or null"),
        ({"name": "lens", "focus": 1.0, "on": 1}, "thing.on is 1; expected true or false"),
    ],
)
def test_a_wrong_config_is_told_what_was_expected_in_one_line(things, config, message):
    with pytest.raises(ImagingError, match=message) as error:
        things.build(config)
    assert "\n" not in str(error.value)


def test_one_name_cannot_mean_two_things():
    table = Registry("thing", "nowhere")
    table.register("a")(lambda: 1)
    with pytest.raises(AssertionError, match="two things called a"):
        table.register("a")(lambda: 2)


ENTRY = """
from package_of_things import THINGS

@THINGS.register("prism")
class Prism:
    pass
"""


def test_an_installed_package_registers_by_its_entry_point(things, tmp_path, monkeypatch):
    installed = tmp_path / "installed"
    (installed / "prisms-1.0.dist-info").mkdir(parents=True)
    (installed / "prisms-1.0.dist-info" / "METADATA").write_text("Name: prisms\nVersion: 1.0\n")
    (installed / "prisms-1.0.dist-info" / "entry_points.txt").write_text("[imaging]\nprisms = of_prisms\n")
    (installed / "of_prisms.py").write_text(ENTRY)
    monkeypatch.syspath_prepend(installed)
    load_entry_points.cache_clear()
    try:
        assert things.names() == ["lens", "prism"]
        assert type(things.build({"name": "prism"})).__module__ == "of_prisms"
    finally:
        load_entry_points.cache_clear()
        sys.modules.pop("of_prisms", None)
