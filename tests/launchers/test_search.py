"""What a search draws from, and a search in one process."""

import json
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from imaging.errors import ImagingError

optuna = pytest.importorskip("optuna", reason="pip install -r requirements-search.txt")
CONF = Path(__file__).parents[2] / "conf"


def study_of(sweep: Path):
    journal = optuna.storages.journal.JournalFileBackend(str(sweep / "search.log"))
    return optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(journal))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("choice(4,8)", optuna.distributions.CategoricalDistribution([4, 8])),
        ("a,b", optuna.distributions.CategoricalDistribution(["a", "b"])),
        ("range(3,9)", optuna.distributions.IntDistribution(3, 8)),
        ("range(3,9,2)", optuna.distributions.IntDistribution(3, 7, step=2)),
        ("range(10,0,-2)", optuna.distributions.IntDistribution(2, 10, step=2)),
        ("int(interval(1,4))", optuna.distributions.IntDistribution(1, 4)),
        ("interval(0.1,0.9)", optuna.distributions.FloatDistribution(0.1, 0.9)),
        ("tag(log,interval(1e-4,1e-2))", optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True)),
    ],
)
def test_hydras_syntax_is_optunas_distribution(text, expected):
    from hydra_plugins.imaging_search import distribution

    (override,) = OverridesParser.create().parse_overrides([f"key={text}"])
    assert distribution(override) == expected


def test_a_search_on_the_basic_launcher(command, tiny, tmp_path):
    arguments = [
        "sweep=search",
        *tiny,
        "trainer.val_check_interval=1",
        "hydra.sweeper.n_trials=3",
        "model.hidden_channels=4",
        "model.depth=choice(2,3)",
    ]
    status, printed, complained = command("train.py", *arguments)
    assert (status, complained) == (0, "")
    (sweep,) = tmp_path.glob("multirun/*/*-search")
    study = study_of(sweep)
    values = [json.loads(p.read_text())["val/psnr"] for p in sorted(sweep.glob("*/metrics.json"))]
    assert [trial.value for trial in study.trials] == values
    assert set(study.trials[0].params) == {"optimizer.lr", "model.depth"}  # one key was fixed
    assert list(study.trials[0].intermediate_values) == [1, 2]
    assert f"best     {max(values):.2f} dB" in printed
    # A search that is resumed, and has all its trials, adds none.
    assert command("train.py", *arguments, f"resume={sweep}")[0] == 0
    assert len(study_of(sweep).trials) == 3


def test_missing_optuna_is_told_in_one_line(command, tiny, monkeypatch):
    import sys

    monkeypatch.delitem(sys.modules, "imaging.sweeps.search", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    status, _, complained = command("train.py", "sweep=search", *tiny)
    assert (status, complained.count("\n")) == (2, 1)
    assert "pip install -r requirements-search.txt" in complained


@pytest.fixture
def search():
    """A search whose loader knows the configs of this project."""
    from hydra_plugins.imaging_search import Search

    with initialize_config_dir(str(CONF), version_base="1.3"):
        search = Search(n_trials=3, startup=1, seed=0, params={"optimizer.lr": "interval(0.1,0.9)"})
        search.loader = GlobalHydra.instance().config_loader()
        yield search


def test_a_glob_is_a_choice_of_the_configs_of_that_name(search):
    fixed, space = search._parse(["model=glob(unet*)", "seed=3"])
    names = sorted(path.stem for path in (CONF / "model").glob("unet*.yaml"))
    assert fixed == ["seed=3"]
    assert space["model"] == optuna.distributions.CategoricalDistribution(names)


def test_a_search_of_nothing_is_refused(search):
    assert search._parse([])[1] == {"optimizer.lr": optuna.distributions.FloatDistribution(0.1, 0.9)}
    with pytest.raises(ImagingError, match=r"nothing to search: set a key to interval\(…\) or choice\(…\)"):
        search._parse(["optimizer.lr=0.1", "seed=3"])


def test_a_damaged_study_is_told_in_one_line(command, tiny, tmp_path):
    sweep = tmp_path / "mine"
    sweep.mkdir()
    (sweep / "search.log").write_text("no journal\n")
    status, _, complained = command("train.py", "sweep=search", *tiny, f"hydra.sweep.dir={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert f"{sweep}/search.log cannot be opened as a study: " in complained
