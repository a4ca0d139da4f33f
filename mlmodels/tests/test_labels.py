"""Lists of labels as staff write them."""

import pytest
from django.core.exceptions import ValidationError

from mlmodels import labels


def test_labels_stand_one_a_line_in_their_order() -> None:
    assert labels.read("a cat\r\n  a dog \n\n\nein Bär\n") == ["a cat", "a dog", "ein Bär"]


def test_the_same_label_written_in_two_ways_is_one() -> None:
    with pytest.raises(ValidationError, match="are both “Bär”"):
        labels.read("Bär\nBa\N{COMBINING DIAERESIS}r")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "at least two"),
        ("one\n\n", "at least two"),
        ("one\ntwo\none", "Labels 1 and 3 are both “one”"),
        (f"one\n{'x' * 101}", "Label 2 is longer than 100 characters"),
        ("one\nt\0wo", "Label 2 holds a character that cannot be shown"),
        ("one\nt\N{RIGHT-TO-LEFT OVERRIDE}wo", "Label 2 holds a character that cannot be shown"),
    ],
)
def test_what_cannot_be_a_list_of_labels_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        labels.read(text)


def test_a_hundred_characters_are_not_too_many() -> None:
    assert labels.read(f"one\n{'x' * 100}") == ["one", "x" * 100]


def test_a_file_of_labels_is_utf8_with_or_without_a_mark() -> None:
    assert labels.decode("\N{ZERO WIDTH NO-BREAK SPACE}Bär".encode()) == "Bär"
    with pytest.raises(ValidationError, match="no UTF-8 text"):
        labels.decode("Bär".encode("latin-1"))
