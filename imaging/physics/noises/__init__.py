"""Noises n, one module each."""
