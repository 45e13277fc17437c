"""Where images come from: one file for each data set, and what downloads and verifies them."""
