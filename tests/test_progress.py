"""Progress bars: in a terminal, below each other, and gone afterwards; nothing elsewhere."""

from contextlib import redirect_stderr

import pytest

from imaging.progress import progress_bar, track


def test_a_bar_shows_count_rate_and_note_as_they_are(terminal):
    with redirect_stderr(terminal), progress_bar("training", 20, completed=10, keep=True) as advance:
        advance(15, note="loss [0.1]")
    text = terminal.getvalue()
    assert "training" in text
    assert "15/20, " in text
    assert "/s" in text
    assert "loss [0.1]" in text  # not read as markup


def test_bars_are_shown_together_and_removed(terminal):
    with redirect_stderr(terminal):
        for _ in track(range(2), "testing", 2):
            assert list(track("abc", "restoring", 3)) == ["a", "b", "c"]
            with progress_bar("decoding", None) as advance:
                advance(7)
    assert "testing" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is erased


def test_a_bar_ends_with_an_exception_and_another_can_begin(terminal):
    for _ in range(2):
        with redirect_stderr(terminal), pytest.raises(KeyboardInterrupt), progress_bar("testing", 3):
            raise KeyboardInterrupt
        assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") > 0


def test_without_a_terminal_there_is_nothing(capfd):
    assert list(track("ab", "testing", 2)) == ["a", "b"]
    assert capfd.readouterr() == ("", "")
