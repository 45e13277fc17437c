"""Paths on the command line are what was typed."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from imaging.runs.overrides import quote_path

NAMES = [
    "photo (1)",
    "фото",
    "run=a",
    "John's",
    "img[1]",
    "[a]",
    "{a: 1}",
    "photo#1",
    "a&b",
    "~/a",
    "2026_12_01",
    "1e3",
    "true",
    "-1",
    "a,b",
    "choice(a)",
    " a",
    "a\\",
    "a\\'b",
    "C:\\a b",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["run", "resume", "output"])
def test_a_path_is_what_was_typed(name, key):
    override = OverridesParser.create().parse_override(quote_path(f"{key}={name}"))
    assert not override.is_sweep_override()
    assert override.value() == name


@pytest.mark.parametrize(
    "word",
    [
        "seed=1_000",
        "model.bias=true,false",
        "-m",
        "run='a=b'",
        'run="a=b"',
        "resume=null",
        "run=",
        "data.source.test=a,b",
        "paths.data=${oc.env:HOME}/data",
        "run=a b",
    ],
)
def test_other_words_are_left_to_hydra(word):
    assert quote_path(word) == word
