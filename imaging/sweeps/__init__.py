"""Many runs: which jobs there are, and where and when each runs."""
