"""Heat maps: which parts of a picture spoke for a label, and how that is drawn and said."""
