"""Looks at the bytes of strangers in processes that can do no harm and may die of it."""
