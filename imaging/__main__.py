"""Run `python -m imaging …` as the command `imaging …`."""

from imaging.commands.main import main

if __name__ == "__main__":
    main()
