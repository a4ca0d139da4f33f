"""Slows guessing down without giving anybody the power to lock a person out.

A try to sign in is paid for before the password is looked at, and given back when it succeeds:

* from a browser of that person (`accounts.devices`) out of that browser's own purse: no stranger can empty it;
* from elsewhere out of the address's purse, and out of the account's purse for newcomers, if nothing failed at that
  address for a day, else out of the purse of the typed name.

So a stranger has some 80 tries an hour at one account, however many addresses; whoever owns it comes in with their own
browser, from an address that took no part in the attack, or by a mailed link, after which their browser is known.
"""

import unicodedata

from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts import audit, budgets, devices
from accounts.addresses import network_of
from accounts.budgets import Budget, BudgetSpentError, Payment
from accounts.models import User

ADDRESS = Budget("address", burst=15, refill_seconds=240)
NEWCOMERS = Budget("newcomers", burst=60, refill_seconds=360)
NAME = Budget("name", burst=10, refill_seconds=360)
DEVICE = Budget("device", burst=10, refill_seconds=360)
REGISTRATION = Budget("registration", burst=60, refill_seconds=60)


class TooManyTriesError(Exception):
    """Answered by `accounts.middleware` with 429."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"wait {wait_seconds} s")
        self.wait_seconds = wait_seconds


class SignInTry:
    """One try to sign in under a name; raises TooManyTriesError when there have been too many."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        self.request = request
        self.user = User.objects.find(name)
        self.payments = self._pay(folded(name))

    def succeeded(self, user: User) -> None:
        budgets.undo(self.payments)
        devices.remember(self.request, user)
        audit.record("sign_in", request=self.request, user=user)

    def failed(self) -> None:
        # What was typed stays out of the logs: people type passwords into the wrong field.
        audit.record("sign_in_failed", request=self.request, account=self.user)

    def _pay(self, name: str) -> list[Payment]:
        try:
            if (device := devices.known_to(self.user, self.request)) is not None:
                return budgets.spend([DEVICE.of(self.user and self.user.pk, device)])
            return self._pay_as_stranger(name)
        except BudgetSpentError as error:
            audit.record("sign_in_refused", request=self.request, account=self.user, spent=error.kind)
            raise TooManyTriesError(error.wait_seconds) from error

    def _pay_as_stranger(self, name: str) -> list[Payment]:
        address = ADDRESS.of(network_of(self.request))
        if budgets.is_untouched(address):
            payments = budgets.spend([address, NEWCOMERS.of(self.user.pk if self.user else name)])
            if payments[0].is_first:  # of many tries at once from one address only one is a newcomer's
                return payments
            budgets.undo(payments)
        return budgets.spend([address, NAME.of(name)])


def folded(name: str) -> str:
    """One spelling for all that a database might take for the same name."""
    return unicodedata.normalize("NFKC", name).strip().upper().casefold()


def count_registration(request: HttpRequest) -> None:
    """Raises TooManyTriesError when this address has tried too often to register."""
    try:
        budgets.spend([REGISTRATION.of(network_of(request))])
    except BudgetSpentError as error:
        audit.record("registration_refused", request=request)
        raise TooManyTriesError(error.wait_seconds) from error


def sentence(wait_seconds: int) -> str:
    minutes = -(-wait_seconds // 60)
    return ngettext(
        "There were too many tries. Please wait %(minutes)d minute.",
        "There were too many tries. Please wait %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
