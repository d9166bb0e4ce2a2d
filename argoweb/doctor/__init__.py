"""What `argoweb doctor` tries, by the place where it is tried."""
