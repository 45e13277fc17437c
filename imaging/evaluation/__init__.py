"""Evaluation: which images, which sigmas, which noise; one record per image; tables from records."""
