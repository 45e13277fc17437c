"""The commands of `imaging`: each reads its settings or options, calls the rooms and prints."""
