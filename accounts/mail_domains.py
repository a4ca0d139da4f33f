"""Which domains of e-mail addresses mails can be sent to."""

from django.core.exceptions import ValidationError
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _


def validate_mail_domain(email: str) -> None:
    """Raises ValidationError for a domain that cannot be written as mail servers write it (IDNA), though it looks well.

    What is wrong in plain letters the validator of addresses says.
    """
    domain = email.rpartition("@")[2]
    try:
        if not domain.isascii():
            punycode(domain)
    except UnicodeError as error:
        message = _("No mail can be sent to this address: what stands behind the @ cannot be a domain.")
        raise ValidationError(message, code="domain") from error
