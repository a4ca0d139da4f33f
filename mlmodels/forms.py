"""The forms with which staff add a model; whoever sends one proves by the password who it is."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.profile_forms import check_own_password
from mlmodels import custom_models, labels
from mlmodels.models import MLModel

LABEL_FILE_MAX_BYTES = 4 * 1024**2


class AddForm(forms.Form):
    """What every added model needs: a version of its own, labels, and the password of whoever adds it."""

    name: MLModel.Name

    version = forms.CharField(
        label=_("Version"),
        max_length=20,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
                _("Use only letters, digits, dots, dashes and underscores, beginning with a letter or a digit."),
            )
        ],
        widget=AdminTextInputWidget(attrs={"autocomplete": "off", "placeholder": "1.0.0"}),
        help_text=_("Up to 20 letters, digits, dots, dashes or underscores. It cannot be changed later."),
    )
    description = forms.CharField(
        label=_("Description"),
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("What users read about it: what it knows, what it was trained on."),
    )
    labels = forms.CharField(
        label=_("Labels"),
        required=False,
        strip=False,
        widget=AdminTextareaWidget(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=_("One a line, in the order of the classes; at most 100 characters each, each one once."),
    )
    label_file = forms.FileField(
        label=_("… or a text file"), required=False, help_text=_("UTF-8, one label a line; instead of the field above.")
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "vTextField"}),
        help_text=_("Asked again because a model decides what everybody sees."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"]
        if custom_models.is_taken(self.name, version):
            raise self.taken()
        return version

    def taken(self) -> ValidationError:
        return ValidationError(
            gettext("There is such a version already. Choose another one, or delete that model first.")
        )

    def save(self) -> MLModel:
        """Raises IntegrityError when the version was taken meanwhile, OSError when the file cannot be stored."""
        raise NotImplementedError

    def clean_password(self) -> None:
        check_own_password(self.user, self.cleaned_data["password"])

    def clean(self) -> dict[str, Any]:
        """The labels as a list, out of the field or the file."""
        cleaned = super().clean() or self.cleaned_data
        try:
            cleaned["labels"] = labels.read(self._label_text())
        except ValidationError as error:
            self.add_error("labels", error)
        return cleaned

    def _label_text(self) -> str:
        written, file = self.cleaned_data.get("labels", ""), self.cleaned_data.get("label_file")
        if file is None:
            return str(written)
        if written.strip():
            raise ValidationError(gettext("Give the labels in the field or as a file, not both."))
        if file.size > LABEL_FILE_MAX_BYTES:
            raise ValidationError(gettext("The file of labels is too large. It should hold nothing but labels."))
        return labels.decode(file.read())


class LabelListForm(AddForm):
    """A version of CLIP that looks for labels of one's own."""

    name = MLModel.Name.CLIP

    def save(self) -> MLModel:
        cleaned = self.cleaned_data
        return custom_models.add_label_list(
            version=cleaned["version"],
            description=cleaned["description"],
            labels=cleaned["labels"],
            added_by=self.user,
        )
