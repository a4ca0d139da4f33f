"""Triggers of a test database that write down every write which a finished or idle run must not get.

A queue entry that ended is left alone until a person's own wish takes it back to `waiting`; labels are only ever
written by a run that is being completed, progress by a run that a worker has in hand.
"""

from django.db import connection

ENDED = "('completed', 'failed', 'cancelled')"
RESUBMITTED = (
    "NEW.status = 'waiting' AND NEW.retry_count = 0 AND NEW.started_at IS NULL"
    " AND NEW.completed_at IS NULL AND NEW.error_message IS NULL"
)
STATUS = "(SELECT status FROM analysis_queue WHERE image_id = NEW.image_id)"
# Table, event, and the condition under which the write is written down.
FORBIDDEN = (
    ("analysis_queue", "UPDATE", f"OLD.status IN {ENDED} AND NOT ({RESUBMITTED})"),
    ("analysis_results", "INSERT", f"{STATUS} IN ('waiting', 'failed', 'cancelled')"),
    ("progress_logs", "INSERT", f"{STATUS} <> 'processing' AND NEW.current_stage <> 'completed'"),
    ("progress_logs", "INSERT", f"{STATUS} <> 'completed' AND NEW.current_stage = 'completed'"),
)
SQLITE = """
CREATE TRIGGER {name} AFTER {event} ON {table} WHEN {condition}
BEGIN INSERT INTO audit (said) VALUES ('{event} of {table}, picture ' || NEW.image_id || {status}); END
"""
POSTGRESQL = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF {condition} THEN
    INSERT INTO audit (said) VALUES ('{event} of {table}, picture ' || NEW.image_id || {status});
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
"""


def install() -> None:
    """Make the table `audit` and the triggers that write into it; both kinds of database."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE audit (said text NOT NULL)")
        for number, (table, event, condition) in enumerate(FORBIDDEN):
            status = "': ' || OLD.status || ' to ' || NEW.status" if event == "UPDATE" else f"' while ' || {STATUS}"
            template = SQLITE if is_sqlite else POSTGRESQL
            cursor.execute(
                template.format(name=f"audit_{number}", event=event, table=table, condition=condition, status=status)
            )


def is_installed() -> bool:
    return "audit" in connection.introspection.table_names()


def forbidden_writes() -> list[str]:
    """What the triggers have written down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT said FROM audit")
        return [said for (said,) in cursor.fetchall()]


def remove() -> None:
    """Take the triggers and the table away again; for a database that other tests use too."""
    with connection.cursor() as cursor:
        for number, (table, _event, _condition) in enumerate(FORBIDDEN):
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS audit_{number}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS audit_{number} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS audit_{number}")
        cursor.execute("DROP TABLE IF EXISTS audit")
