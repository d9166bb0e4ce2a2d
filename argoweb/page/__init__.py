"""The page of `argoweb page`, and the numbers on it."""
