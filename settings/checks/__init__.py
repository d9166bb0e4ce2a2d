"""Whether what a stack declares works together, a file for each subject."""
