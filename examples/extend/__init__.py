"""A network, an operator, a noise, a loss, a callback and a data set of one's own, each in one file."""
