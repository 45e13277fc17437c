"""What surrounds a run: its directory, status, checkpoints, resume, signals. None of the science."""
