"""Evaluation of networks: one record per test image, and tables and comparisons from the records."""
