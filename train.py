"""Train a reconstruction network and test it: python train.py [experiment=…] [sweep=…] [key=value …]."""

from imaging.commands.main import train as main

if __name__ == "__main__":
    main()
