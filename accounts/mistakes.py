"""Forms that come back with the cursor where the first mistake is."""

from django import forms


class FirstMistakeFocused(forms.BaseForm):
    """Moves `autofocus` to the first wrong field. A mistake in a repeated password begins in the first of the two."""

    def full_clean(self) -> None:
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is None:
            return
        for field in self.fields.values():
            field.widget.attrs.pop("autofocus", None)
        self.fields[wrong.replace("password2", "password1")].widget.attrs["autofocus"] = True
