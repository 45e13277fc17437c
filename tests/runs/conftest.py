"""What the tests of files that are damaged share."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from imaging.runs.names import register_resolvers

CONF = Path(__file__).parents[2] / "conf"
# Bytes that mean something in JSON or YAML, or nothing in UTF-8.
TOKENS = [
    b'"', b"{", b"}", b"[", b"]", b":", b",", b"\n", b"  ", b"- ", b"*a", b"&a ", b"<<: ", b"#", b"?", b"'x'",
    b"!!python/object:a.b ", b"${a}", b"${oc.env:NO_SUCH_NAME}", b"null", b"true", b"nan", b"NaN", b".inf",
    b"-1", b"1e999", b"9" * 400, b"0x" + b"f" * 5000, b"\xff", b"\\ud800", b"\x00", b"[" * 3000,
]  # fmt: skip


@pytest.fixture(scope="session")
def text() -> str:
    """What `config.yaml` of a plain `python train.py` holds."""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_yaml(compose("train", []), resolve=True)


@pytest.fixture
def composed(text) -> dict:
    """The config of a plain `python train.py`."""
    return OmegaConf.to_container(OmegaConf.create(text))


@pytest.fixture
def mutations():
    """A function of bytes, a seed and a count that gives as many damaged versions of them."""

    def mutations(whole: bytes, seed: int, count: int) -> Iterator[bytes]:
        draw = random.Random(seed)
        for _ in range(count):
            damaged = whole
            for _ in range(draw.choice([1, 1, 2, 5])):
                at, length = draw.randrange(len(damaged) + 1), draw.choice([0, 0, 1, 4, 40])
                put = draw.choice(
                    [b"", draw.choice(TOKENS), bytes([draw.randrange(256)]), damaged[:at][-20:]]
                )
                damaged = damaged[:at] + put + damaged[at + length :]
            yield damaged

    return mutations
