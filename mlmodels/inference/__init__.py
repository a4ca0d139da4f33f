"""The engine: from the bytes of a picture to ranked labels; knows no Django, no queue, no database."""
