"""Resource plugins written here, for machines that cannot get the official ones."""
