"""Callbacks of a training. A config can name those in `CALLBACKS`; the trainer adds the others itself."""

from imaging.registry import Registry

CALLBACKS = Registry("callbacks", "imaging.training.callbacks")
