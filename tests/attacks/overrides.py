"""Commands with wrong settings: train.py with random overrides, on the bundled photographs.

    python tests/attacks/overrides.py [--cases 2000] [--seed 0] [--case N]

Faults are tracebacks, hangs, messages of more than one line, and values that are accepted though no setting
of this type can have them.
"""

import os
import sys
import tempfile

from cases import CHECKOUT, Tally, arguments, attempt, numbered

os.environ |= {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
STUDIES = [
    [],
    ["experiment=denoising"],
    ["experiment=inpainting_bundled"],
    ["experiment=deconvolution", "data=bundled", "model.network.hidden_channels=4"],
    ["experiment=deconvolution", "data=bundled", "model=wiener"],
    ["experiment=super_resolution", "data=bundled"],
    ["experiment=deconvolution_priors", "data=bundled", "model.iterations=2"],
    ["loss=sure", "data.clean=false", "physics.noise.sigma=0.005"],
    ["noise@physics.noise=poisson_gaussian"],
    ["callbacks=early_stopping", "logger=csv"],
]
TINY = ["debug=default", "trainer.accelerator=cpu", "data.max_test_images=1", "data.crop=[160,160]"]
NUMBERS = [
    "nan", "inf", "-inf", "1e400", "-1", "0", "1", "1.5", "1e-300", "2147483648", "-9223372036854775809",
    "100000000000000000000", "1e9", "65536", "99999",
]  # fmt: skip
WORDS = [
    "abc",
    "''",
    "true",
    "null",
    "../../x",
    "'ü×☃'",
    "${seed}",
    "'???'",
    "${nothing}",
    "a" * 300,
    "'a b'",
    "-",
    "/",
]
LISTS = ["[]", "[nan,nan]", "[1,2,3]", "[[1]]", "[abc]", "[0.1,0.2]", "[true,false]", "[null]"]
MAPPINGS = ["{}", "{a:1}", "{name:abc}", "{name:{}}", "{name:[]}", "{name:null}"]
VALUES = NUMBERS + WORDS + LISTS + MAPPINGS
EXTRA = [
    "+{key}.new=1", "+new=1", "+psf=digit", "hydra.launcher._target_=os.system", "hydra.job.chdir=true",
    "hydra.run.dir={value}", "hydra.verbose={value}", "hydra.job.name={value}", "hydra.output_subdir={value}",
    "hydra.sweeper._target_=os.system", "hydra.callbacks.sweeps._target_=os.system", "launcher={value}",
    "resume={value}", "decide={value}", "imports={value}", "imports=[os,{value}]", "+{key}={value}",
    "++{key}={value}", "hydra/job_logging={value}", "hydra.mode={value}", "hydra.searchpath=[{value}]",
]  # fmt: skip
# These may ask for hours of work, or for what is no mistake.
LENGTHS = {
    "trainer.max_steps", "trainer.max_epochs", "trainer.time_limit", "data.repeat", "trainer.devices",
    "test.noise_seeds", "model.iterations",
}  # fmt: skip


def leaves(config: dict, prefix: str = "") -> dict[str, object]:
    """The keys of a nested config, of leaves and of mappings, with their values."""
    found: dict[str, object] = {}
    for key, value in config.items():
        found[f"{prefix}{key}"] = value
        if isinstance(value, dict):
            found |= leaves(value, f"{prefix}{key}.")
    return found


def compose(words: list[str]) -> dict[str, object]:
    """The keys and the values of a config."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from imaging.runs.names import register_resolvers

    register_resolvers()
    with initialize_config_dir(str(CHECKOUT / "conf"), version_base="1.3"):
        config = compose("train", [*words, *TINY])
    return leaves(OmegaConf.to_container(config, resolve=True))


def mutate(keys: dict[str, object], random) -> tuple[list[str], tuple[str, str] | None]:
    """Random overrides; and the key and the value of a plain change of one setting."""
    key, value, kind = random.choice(sorted(keys)), random.choice(VALUES), random.random()
    if kind < 0.15:
        return [f"~{key}"], None
    if kind < 0.25:
        return [random.choice(EXTRA).format(key=key, value=value)], None
    if kind < 0.35:
        other = random.choice(sorted(keys))
        return [f"{key}={value}", f"{other}={random.choice(VALUES)}"], None
    return [f"{key}={value}"], (key, value)


def impossible(before: object, value: str) -> bool:
    """Whether no setting that had the value `before` can have this one."""
    if value in ("${seed}", "null", "'???'"):
        return False  # a number, and two that say that nothing is set
    if isinstance(before, bool):
        return value not in ("true", "false", "1", "0")
    if isinstance(before, int | float):
        return value in (
            "nan",
            "inf",
            "-inf",
            "1e400",
            "abc",
            "''",
            "[]",
            "[nan,nan]",
            "[abc]",
            "{}",
            "{a:1}",
        )
    if isinstance(before, dict):
        return not value.startswith("{")
    if isinstance(before, list):
        return value.startswith("{") or value == "[nan,nan]"
    return False


def main() -> int:
    options = arguments(__doc__, 2000)
    tally = Tally("wrong settings", options.seed)
    import imaging.commands.main as commands
    import imaging.commands.train as training

    fit, keys = training.fit, [compose(study) for study in STUDIES]

    def one_step(trainer, *rest):
        trainer.fit_loop.epoch_loop.max_steps = 1  # whatever was asked for, it is accepted
        return fit(trainer, *rest)

    def run(words: list[str]) -> None:
        training.fit = one_step
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            sys.argv = ["train.py", *words]
            try:
                commands.train()
            finally:
                os.chdir("/")

    for number, random in numbered(options):
        study = random.randrange(len(STUDIES))
        words, plain = mutate(keys[study], random)
        if any(word.lstrip("~+").partition("=")[0] in LENGTHS for word in words):
            continue
        ended = attempt(lambda study=study, words=words: run([*STUDIES[study], *TINY, *words]))
        fault = ended.fault
        accepted = ended.status == 0
        if accepted and plain and impossible(keys[study][plain[0]], plain[1]):
            fault = "accepted though wrong"
        end = {0: "accepted", 2: "refused in one line"}.get(ended.status, "other")
        tally.add(
            f"{number}: {' '.join([*STUDIES[study], *words])}"[:300],
            end,
            fault,
            ended.complained[-300:].strip(),
        )
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
