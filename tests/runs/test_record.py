"""The record of a sweep: one line if it is damaged, and the sweep's report and its jobs go on."""

import pytest

from imaging.errors import ImagingError
from imaging.runs.record import about_sweep, read_record
from imaging.training.hparams import varied_settings

DAMAGED = {
    "nothing": None,
    "empty": "",
    "a list": "[hydra]",
    "text": "hydra",
    "an open bracket": "hydra: [",
    "not utf-8": b"hydra: \xff",
    "in itself": "hydra: &h {overrides: {task: []}, sweeper: *h}",
    "another part in itself": "hydra: {overrides: {task: []}, sweeper: {}}\na: &a [*a]",
    "nested": "hydra: " + "{a: " * 2000 + "1" + "}" * 2000,
    "an object": "hydra: {overrides: {task: []}, sweeper: !!python/object:os.system {}}",
    "no command line": "hydra: {overrides: {}, sweeper: {}}",
    "overrides in a list": "hydra: {overrides: [seed=1], sweeper: {}}",
    "a command line that is text": "hydra: {overrides: {task: seed=1}, sweeper: {}}",
    "a command line of numbers": "hydra: {overrides: {task: [1, 2]}, sweeper: {}}",
    "a command line of lists": "hydra: {overrides: {task: [[seed=1]]}, sweeper: {}}",
    "a command line that is null": "hydra: {overrides: {task: null}, sweeper: {}}",
    "an override that is none": "hydra: {overrides: {task: ['seed=[1']}, sweeper: {}}",
    "an override of nothing": "hydra: {overrides: {task: ['seed=${a}']}, sweeper: {}}",
    "half a character": r'hydra: {overrides: {task: ["name=a\ud800"]}, sweeper: {}}',
    "no sweeper": "hydra: {overrides: {task: []}}",
    "a sweeper that is text": "hydra: {overrides: {task: []}, sweeper: basic}",
    "params in a list": "hydra: {overrides: {task: []}, sweeper: {params: [seed]}}",
    "params that are text": "hydra: {overrides: {task: []}, sweeper: {params: seed}}",
    "a param that is none": "hydra: {overrides: {task: []}, sweeper: {params: {seed: '[1'}}}",
    "a param of nothing": "hydra: {overrides: {task: []}, sweeper: {params: {seed: '${a}'}}}",
}
WHOLE = "hydra: {overrides: {task: ['resume=x', 'seed=0,1']}, sweeper: {params: {model.bias: 'true,false'}}}"


@pytest.fixture
def sweep(tmp_path):
    """A sweep of one job, whose record has these bytes."""

    def sweep(content: str | bytes | None):
        (tmp_path / "0-a").mkdir(exist_ok=True)
        (tmp_path / "0-a" / "status.json").write_text('{"state": "completed", "commit": "abc"}')
        if content is not None:
            raw = content if isinstance(content, bytes) else content.encode()
            (tmp_path / "multirun.yaml").write_bytes(raw)
        return tmp_path

    return sweep


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_told_in_one_line_and_costs_no_report_and_no_job(content, sweep, composed):
    directory = sweep(content)
    with pytest.raises(ImagingError) as told:
        read_record(directory)
    start = f"{directory / 'multirun.yaml'} cannot be read as the config of a sweep ("
    assert str(told.value).startswith(start)
    assert str(told.value).endswith("); start a new sweep")
    assert "\n" not in str(told.value)
    facts, commands = about_sweep(directory)
    assert facts == {"Runs": "1 completed", "Commit": "abc"}
    assert commands[0].startswith(f"# the command of this sweep is unknown: {start}")
    assert commands[1] == f"python evaluate.py run={directory}"
    assert varied_settings(directory / "0-a", composed) == {"model": "dncnn", "seed": 0}


def test_a_directory_in_the_place_of_a_record(sweep, composed):
    directory = sweep(None)
    (directory / "multirun.yaml").mkdir()
    with pytest.raises(ImagingError, match=r"cannot be read as the config of a sweep \(Is a directory\)"):
        read_record(directory)
    assert "is unknown" in about_sweep(directory)[1][0]
    assert varied_settings(directory / "0-a", composed) == {"model": "dncnn", "seed": 0}


def test_a_whole_record_says_the_command_and_what_was_varied(sweep, composed):
    directory = sweep(WHOLE)
    assert about_sweep(directory)[1][0] == "python train.py -m seed=0,1"
    assert varied_settings(directory / "0-a", composed) == {"model": "dncnn", "seed": 0, "bias": True}


def test_any_damage_of_the_bytes_costs_no_report_and_no_job(sweep, composed, mutations):
    unknown = 0
    for content in mutations(WHOLE.encode(), seed=2, count=300):
        directory = sweep(content)
        _, commands = about_sweep(directory)
        assert len(commands) == 2
        assert all("\n" not in command for command in commands if command.startswith("#"))
        unknown += commands[0].startswith("#")
        assert varied_settings(directory / "0-a", composed).items() >= {"model": "dncnn"}.items()
    assert 100 < unknown < 300
