"""`python -m imaging …` is the command `imaging …`."""

from imaging.commands.main import main

main()
