"""How many planted mistakes the check names, and that no right solution is called wrong."""

from collections import Counter

import pytest
from bar import EXERCISES, planted, right, verdict


def test_nine_of_ten_planted_mistakes_are_named():
    missed, mistakes = [], planted()
    assert len(mistakes) >= 60
    assert all(Counter(name for name, _ in mistakes)[name] >= 6 for name in EXERCISES)
    for name, function in mistakes:
        said = verdict(name, function).words
        assert said not in ("right", "to do"), function.__name__
        if not any(words in said for words in function.__doc__.split("|")):
            missed.append(f"{name}.{function.__name__}: expected {function.__doc__}, said {said}")
    print(f"{len(mistakes) - len(missed)} of {len(mistakes)} planted mistakes are named", *missed, sep="\n")
    assert len(missed) <= 0.1 * len(mistakes)


@pytest.mark.parametrize(("name", "function"), right(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_right_solution_is_right(name, function):
    assert verdict(name, function).words == "right"


def test_every_exercise_has_right_solutions():
    assert {name for name, _ in right()} == EXERCISES.keys()
    assert len(right()) >= 20
