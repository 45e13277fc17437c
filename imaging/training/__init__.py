"""The trainer, its strategies, callbacks and loggers."""
