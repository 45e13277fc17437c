"""Output whose encoding lacks a character."""

import io
import sys

from imaging.commands.process.streams import outlive_readers


def test_a_character_that_ascii_lacks_is_written_as_an_escape(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    outlive_readers()
    print("3 × 3, σ, \udcff", flush=True)
    assert written.getvalue() == b"3 \\xd7 3, \\u03c3, \\udcff\n"
