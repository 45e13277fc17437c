"""Sentences about comparisons that have no p-value, or are none."""

import math

from imaging.evaluation.statistics.comparisons import Decision, compare
from imaging.evaluation.table import Table
from imaging.reporting.findings import explanation, sentences, verdict
from tests.results import result


def test_of_one_image_and_one_training_there_is_a_difference_and_no_more():
    found = compare(Table([result("a", [30.0], {"bias": True}), result("b", [31.5], {"bias": False})]))
    assert math.isnan(found[0].p_adjusted)
    (told,) = sentences(found)
    assert told.startswith("Removing the bias: +1.50 dB at test sigma 0.1; ")
    assert "(p" not in told
    assert explanation(found) == "Paired differences:"


def test_nothing_that_could_be_compared_is_no_difference():
    assert sentences([]) == []
    assert explanation([]) == "Differences:"
    assert "nothing could be compared, so no seed was added" in verdict([], Decision(0.1, 10))
