"""The image sources, one module for each data set, and their downloads."""
