"""Test trained networks: python evaluate.py run=… [data=…] [sigmas=[…]]."""

from imaging.commands.main import evaluate as main

if __name__ == "__main__":
    main()
