"""The directory, config, status, checkpoints and signals of a run, and how it is resumed."""
