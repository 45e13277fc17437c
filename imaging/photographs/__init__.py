"""Restoring one's own photographs: names of networks, files with all that belongs to them, directories."""
