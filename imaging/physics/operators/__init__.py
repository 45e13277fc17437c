"""Forward operators A, one module each."""
