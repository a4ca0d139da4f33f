"""Forms that come back with the cursor where the first mistake is."""

from django import forms


class FirstMistakeFocused(forms.BaseForm):
    """Moves `autofocus` to the first wrong field, or to the first password, which is to be typed again, if none is.

    A mistake in a repeated password begins in the first of the two.
    """

    def full_clean(self) -> None:
        super().full_clean()
        if not self.errors:
            return
        wrong = next((name for name in self.fields if name in self.errors), "password").replace(
            "password2", "password1"
        )
        for name, field in self.fields.items():
            field.widget.attrs.pop("autofocus", None)
            if name == wrong:
                field.widget.attrs["autofocus"] = True
