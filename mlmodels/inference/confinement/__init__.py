"""What a process gives up, for good, before it looks at the bytes of strangers."""
