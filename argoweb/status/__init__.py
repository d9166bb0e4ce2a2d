"""What `argoweb status` finds of a whole stack, and shows."""
