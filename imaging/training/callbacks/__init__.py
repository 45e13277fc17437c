"""Callbacks of a training. A config may name those of `CALLBACKS`; the others belong to every run."""

from imaging.registry import Registry

CALLBACKS = Registry("callbacks", "imaging.training.callbacks")
