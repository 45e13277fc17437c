"""Sweeps of many runs: their jobs, and where and when each job runs."""
