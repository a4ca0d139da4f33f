"""Lists of labels as staff write them: one a line."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# The column of results.
MAX_LENGTH = 100
FEWEST = 2


def read(text: str) -> list[str]:
    """The labels in their order, without empty lines. Raises ValidationError with one sentence."""
    labels = [label for line in text.splitlines() if (label := unicodedata.normalize("NFC", line).strip())]
    if len(labels) < FEWEST:
        raise ValidationError(_("Give at least two labels, one a line."))
    first_at: dict[str, int] = {}
    for number, label in enumerate(labels, start=1):
        _check(label, number)
        if first_at.setdefault(label, number) != number:
            raise ValidationError(
                _("Labels %(first)d and %(second)d are both “%(label)s”. Give each label once.")
                % {"first": first_at[label], "second": number, "label": label}
            )
    return labels


def _check(label: str, number: int) -> None:
    if len(label) > MAX_LENGTH:
        raise ValidationError(
            _("Label %(number)d is longer than %(limit)d characters. Shorten it.")
            % {"number": number, "limit": MAX_LENGTH}
        )
    if not label.isprintable():
        raise ValidationError(
            _("Label %(number)d holds a character that cannot be shown. Save the labels as plain text.")
            % {"number": number}
        )


def decode(content: bytes) -> str:
    """A text file as UTF-8. Raises ValidationError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(_("The file of labels is no UTF-8 text. Save it as UTF-8, one label a line.")) from error
