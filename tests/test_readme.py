"""Every command of the README and of the documents, composed as it is written."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode

from imaging.commands.main import build_parser
from imaging.runs.names import last_overrides, register_resolvers
from imaging.runs.overrides import add_places, choose_noise
from imaging.sweeps.jobs import compose

CHECKOUT = Path(__file__).parents[1]
TEXTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]


def commands(text: str) -> list[str]:
    """Those of scripts and of make, in blocks of code and in lines, also where these are broken."""
    text = re.sub(r"\\\n\s*", " ", text)
    verbs = "restore|noise|export|lesson|verify"
    start = rf"((?:python (?:train|evaluate)\.py|imaging (?:{verbs})|make)\b"
    inline = re.findall(rf"`{start}[^`]*)`", text)
    fenced = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    blocks = re.findall(rf"^(?: {{4}}|\t){start}.*)$", text, re.MULTILINE)
    blocks += re.findall(rf"^{start}.*)$", fenced, re.MULTILINE)
    found = [re.sub(r"\s+", " ", command).split(" #")[0].strip() for command in inline + blocks]
    return [command for command in found if command != "make"]


def check(command: str) -> None:
    """Compose a command as Hydra would, and the jobs if it is a sweep.

    Raises:
        HydraException: it would refuse it.
        SystemExit: `imaging` would.
    """
    words = shlex.split(re.sub(r"<[^>]*>", "somewhere", command).replace("…", "somewhere"))
    if words[0] == "imaging":
        build_parser().parse_args(words[1:])
        return
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
        assert {w for w in words[1:] if "=" not in w} <= targets, command
        return
    name, options = Path(words[1]).stem, words[2:]
    overrides = add_places([choose_noise(word) for word in options if word not in ("-m", "--help")])
    hydra = GlobalHydra.instance().hydra
    mode = RunMode.MULTIRUN if "-m" in options else RunMode.RUN
    if any(word.startswith("sweep=") for word in overrides):  # the sweep's file has hydra.mode
        mode = hydra.get_mode(name, overrides) or mode
    config = hydra.compose_config(name, overrides, mode, with_log_configuration=False)
    if mode == RunMode.RUN:
        return
    values = {
        key: list(override.sweep_string_iterator()) if override.is_discrete_sweep() else [fixed(override)]
        for key, override in last_overrides(config.hydra.sweeper.get("params"), overrides).items()
    }
    # Each value in some job: all of their products take long.
    for number in range(max(map(len, values.values()))):
        job = [f"{key}={levels[number % len(levels)]}" for key, levels in values.items()]
        compose(hydra.config_loader, config, add_places(job), number)


def fixed(override: Override) -> str:
    """A fixed value as it is; of an interval, which a search draws from, the lower end."""
    if override.is_interval_sweep():
        return str(override.value().start)
    return override.get_value_element_as_str()


@pytest.fixture(scope="module", autouse=True)
def hydra():
    register_resolvers()
    with initialize_config_dir(str(CHECKOUT / "conf"), version_base="1.3"):
        yield


ALL = sorted({command for path in TEXTS for command in commands(path.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("command", ALL)
def test_a_command_of_the_documents_is_composed(command):
    check(command)


def test_the_commands_are_found():
    assert len([c for c in ALL if c.startswith("python train.py")]) > 15
    assert len([c for c in ALL if c.startswith("python evaluate.py")]) > 2
    assert len([c for c in ALL if c.startswith("imaging ")]) > 3


@pytest.mark.parametrize(
    "command",
    [
        "python train.py experiment=denoising_best data=bsds300 seed=0,1,2",  # for want of -m
        "python train.py model.hiden_channels=3",
        "python train.py -m experiment=denoising,nothing",
    ],
)
def test_a_command_that_hydra_refuses_is_refused_here(command):
    with pytest.raises(HydraException):
        check(command)
