"""Restoration of photographs: files with their metadata, borders, directories."""
