"""Problem sets that explain errors: functions to fill in, and a check that names the mistake in them."""
