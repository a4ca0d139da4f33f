"""Django's SQLite, whose writers do not sleep past their turn."""
