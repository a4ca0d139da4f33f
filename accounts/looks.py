"""How a worker looks after something by itself: while the database is away it says so, and looks again later."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django import db

logger = logging.getLogger(__name__)


@contextmanager
def unless_the_database_is_away(what_did_not_happen: str) -> Iterator[None]:
    """Run the block, or the decorated function, on a connection that is fit for use; log why it was broken off.

    Django's `Error` is all that drivers raise when a connection is cut, also what is no DatabaseError: InterfaceError.
    """
    db.close_old_connections()
    try:
        yield
    except db.Error as error:
        logger.warning("%s, the database did not answer: %s", what_did_not_happen, error)
    finally:
        db.close_old_connections()
