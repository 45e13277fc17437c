"""How a solution is run, compared, and its mistake named."""
