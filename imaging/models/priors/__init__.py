"""Priors of iterative solvers, one module for each."""
