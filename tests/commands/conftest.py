"""The command `imaging` in this process."""

import pytest


@pytest.fixture
def imaging(monkeypatch, tmp_path, capfd):
    """Run `imaging` in an empty directory.

    Returns a function of the words of the command line that gives (exit status, standard output, standard
    error).
    """
    from imaging.commands.main import main

    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            main([str(word) for word in words])
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capfd.readouterr()

    return run
