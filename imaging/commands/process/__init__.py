"""What surrounds every command: its messages, streams, memory and threads."""
