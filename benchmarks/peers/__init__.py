"""The whole product against what people would serve the same model with; see `__main__`."""
