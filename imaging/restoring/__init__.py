"""Restoring pictures of one's own: files with all that belongs to them, borders, directories."""
