"""Run `python -m imaging …` as the command `imaging …`."""

from imaging.commands.main import main

main()
