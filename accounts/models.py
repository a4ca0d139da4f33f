"""People: the user, what they prefer, the sessions that they are signed in with, the tokens that let one back in."""

import unicodedata
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Length, Lower
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.mail_domains import validate_mail_domain

USERNAME_MIN_LENGTH = 3
USERNAME_MAX_LENGTH = 20
USERNAME_VALIDATORS: list[Callable[[Any], None]] = [
    MinLengthValidator(USERNAME_MIN_LENGTH, _("Use at least 3 characters.")),
    RegexValidator(r"\A[A-Za-z0-9_]+\Z", _("Use only letters, digits and underscores.")),
]


# What the holder of a mailed link was promised it for: when one of these changes, the link is void.
ENDING_RESET_LINKS = {"password", "email", "is_active"}

models.CharField.register_lookup(Length)


class HasOnlyWordCharacters(models.Func):
    """Whether a text has only ASCII letters, digits and underscores.

    Django's own regex look-up needs a Python function inside SQLite: other tools could no longer check the database.
    """

    arity = 1
    output_field = models.BooleanField()
    template = "(%(expressions)s ~ '^[A-Za-z0-9_]+$')"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="(%(expressions)s NOT GLOB '*[^A-Za-z0-9_]*')", **context)


class UserManager(BaseUserManager["User"]):
    """Makes users; finds them by user name or e-mail."""

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **fields)

    def find(self, username_or_email: str) -> "User | None":
        """The person who signs in under this user name or, whatever its case, this e-mail address."""
        wanted = unicodedata.normalize("NFKC", username_or_email).strip()
        return self.find_by_email(wanted) if "@" in wanted else self.filter(username=wanted).first()

    def find_by_email(self, email: str) -> "User | None":
        """The person with this address, whatever its case.

        What a database takes for the same letter (a dotless i, say) is looked at again: it may be another mailbox.
        """
        found = self.filter(email__iexact=email)
        return next((user for user in found if user.email.casefold() == email.casefold()), None)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; `is_staff` makes an administrator."""

    username = models.CharField(
        _("user name"),
        max_length=USERNAME_MAX_LENGTH,
        unique=True,
        validators=USERNAME_VALIDATORS,
        help_text=_("3 to 20 letters, digits or underscores."),
        error_messages={"unique": _("This user name is taken.")},
    )
    email = models.EmailField(
        _("e-mail"),
        unique=True,
        validators=[validate_mail_domain],
        error_messages={"unique": _("An account with this e-mail exists already.")},
    )
    is_staff = models.BooleanField(_("administrator"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        db_table = "auth_user"
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="auth_user_email_ci_unique",
                violation_error_message=_("An account with this e-mail exists already."),
            ),
            models.CheckConstraint(
                condition=models.Q(HasOnlyWordCharacters("username"), username__length__gte=USERNAME_MIN_LENGTH),
                name="auth_user_username_valid",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Whatever changes the password, the e-mail or whether the account is usable ends the links mailed before."""
        fields = ENDING_RESET_LINKS & set(kwargs.get("update_fields") or ENDING_RESET_LINKS)
        if self._state.adding or not fields:
            return super().save(*args, **kwargs)
        with transaction.atomic():
            stored = User.objects.filter(pk=self.pk).values(*fields).first()
            super().save(*args, **kwargs)
            if stored != {field: getattr(self, field) for field in fields}:
                self.end_reset_tokens()
        return None

    def end_reset_tokens(self) -> None:
        """Mark every token of this person used; one UPDATE."""
        self.password_reset_tokens.filter(used=False).update(used=True)

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Sessions end when the password changes and when somebody becomes an administrator or is one no longer."""
        return f"{super()._get_session_auth_hash(secret)}{self.is_staff:d}{self.is_superuser:d}"  # type: ignore[misc]

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the person with everything of theirs.

        The row is locked before anything is collected: what is inserted for them at the same moment, such as an upload,
        waits at its commit for this one and then finds nobody to belong to.
        """
        list(User.objects.select_for_update().filter(pk=self.pk).values_list("pk"))
        return super().delete(*args, **kwargs)


class Preferences(models.Model):
    """What a person has chosen for every browser that they use; what is empty is left to the browser."""

    class Theme(models.TextChoices):
        AUTO = "auto"
        LIGHT = "light"
        DARK = "dark"

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="preferences")
    language = models.CharField(max_length=10, blank=True)
    theme = models.CharField(max_length=5, blank=True, choices=Theme.choices)

    class Meta:
        db_table = "accounts_preferences"

    def __str__(self) -> str:
        return f"{self.language} {self.theme}".strip()


class Session(AbstractBaseSession):
    """A browser's session; `session_key` is a digest of its cookie's key, so that the table lets nobody in.

    `expire_date` is when it ends unless it is used before; see `accounts.sessions`.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    user_agent = models.CharField(max_length=255, blank=True)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta(AbstractBaseSession.Meta):
        db_table = "accounts_sessions"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        return import_module("accounts.sessions").SessionStore


class PasswordResetToken(models.Model):
    """A mailed link's token; only its SHA-256 is kept, so that the table lets nobody in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_reset_tokens")
    token = models.CharField(_("SHA-256 of the token"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    used = models.BooleanField(_("used"), default=False)

    class Meta:
        db_table = "password_reset_tokens"
        verbose_name = _("password reset token")
        verbose_name_plural = _("password reset tokens")

    def __str__(self) -> str:
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"


class SpentBudget(models.Model):
    """How far an allowance of tries is used up (`accounts.budgets`); the key tells neither a name nor an address."""

    key = models.CharField(max_length=64, primary_key=True)
    spent_until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "spent_budgets"

    def __str__(self) -> str:
        return self.key


class WaitingMail(models.Model):
    """A mail that a worker is to write and send (`accounts.mails`); it holds no text, and hence no token."""

    class Kind(models.TextChoices):
        PASSWORD_RESET = "password_reset"  # noqa: S105  a kind of mail
        PASSWORD_CHANGED = "password_changed"  # noqa: S105
        EMAIL_CHANGED = "email_changed"

    kind = models.CharField(max_length=20, choices=Kind)
    # Whom to write to; of a reset only what a visitor typed, which is never written to.
    address = models.EmailField()
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=10)
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "waiting_mails"

    def __str__(self) -> str:
        return f"{self.kind} {self.asked_at:%Y-%m-%d %H:%M}"
