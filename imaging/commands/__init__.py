"""The commands of `imaging`: each parses ordinary options, calls the rooms and prints."""
