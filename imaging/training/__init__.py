"""What surrounds a task while it trains: the trainer, its callbacks, its logger."""
