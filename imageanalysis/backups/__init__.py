"""A whole installation as one file: every row that is not of the moment, every picture, every checkpoint of staff.

The rows are one moment's; the pictures that they name are copied after it, while people go on. What was deleted
meanwhile is not in the file, and its row goes when the file is restored. The rows stand in it by table and field, not
in one database's own form: what SQLite held PostgreSQL can take, and the other way round.
"""
