"""Train and compare image-reconstruction networks: y = A x + n, x_hat = f(y)."""
