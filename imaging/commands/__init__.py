"""The commands of `imaging`: they read settings or options, call the other packages and print."""
