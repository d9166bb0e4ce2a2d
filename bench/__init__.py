"""`python -m bench`: how fast this is, each figure against something that runs beside it in the same minutes."""
