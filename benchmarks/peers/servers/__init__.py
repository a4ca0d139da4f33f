"""How each peer serves EfficientNet-Lite0: run by the Pythons of the peers' own virtual environments."""
