"""Browsers of people who have signed in."""

from django.test import Client

from accounts.models import User


def client_of(person: User) -> Client:
    """One that asks for English."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(person)
    return client
