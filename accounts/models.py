"""People: the user and the tokens that let one back in."""

import unicodedata
from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Length, Lower
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

USERNAME_MIN_LENGTH = 3
USERNAME_MAX_LENGTH = 20
USERNAME_VALIDATORS: list[Callable[[Any], None]] = [
    MinLengthValidator(USERNAME_MIN_LENGTH, _("Use at least 3 characters.")),
    RegexValidator(r"\A[A-Za-z0-9_]+\Z", _("Use only letters, digits and underscores.")),
]


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
        if "@" in wanted:
            return self.filter(email__iexact=wanted).first()
        return self.filter(username=wanted).first()


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
        _("e-mail"), unique=True, error_messages={"unique": _("An account with this e-mail exists already.")}
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
