"""What workers do for people: send mails."""

from celery import shared_task

from accounts import letters, mails


@shared_task(name=mails.SEND_NEXT)
def send_next_mail() -> bool:
    """Send one mail that is due; ring again when there was one. Whether there was."""
    mail = mails.claim_next()
    if mail is None:
        return False
    letter = letters.write(mail)
    try:
        if letter:
            letter.message.send()
    except OSError as error:  # every error of SMTP is one
        mails.postpone(mail, error)
    except ValueError as error:  # an address that no server can be told, such as one with a domain that is too long
        mails.give_up(mail, error)
    else:
        mails.done(mail, sent_to=letter.user if letter else None)
    mails.ring()
    return True
