"""Keeps the tokens of mailed links out of the logs: the lines about a failed request name its address."""

import logging
import re
from typing import Any

TOKEN_IN_ADDRESS = re.compile(r"(/accounts/password-reset/)[\w-]{22,}")


class HideResetTokens(logging.Filter):
    """For handlers: puts three stars in the token's place."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = hidden(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(hidden(argument) for argument in record.args)
        return True


def hidden(value: Any) -> Any:
    return TOKEN_IN_ADDRESS.sub(r"\1***", value) if isinstance(value, str) else value
