"""What is in a weights file, found out before and without loading it, and whether it fits a network."""
