"""Which labels a searched word means: a general word its kinds, any other what is called so in another list."""

from itertools import pairwise

import pytest

from mlmodels import label_search
from mlmodels.label_names import classes
from mlmodels.label_search import groups, labels_by_chance, labels_meant


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("エスプレッソ", "espresso"),
        ("えすぷれっそ", "espresso"),
        ("ｴｽﾌﾟﾚｯｿ", "espresso"),
        ("ゴールデンレトリーバー", "golden retriever"),
        ("ゴールデン・レトリーバー", "Golden Retriever"),
        ("ｔシャツ", "jersey"),
        ("polar", "ice bear"),
        ("penguins", "king penguin"),
        ("Strawberries", "strawberry"),
        ("towels", "bath towel"),
        ("torches", "torch"),
    ],
)
def test_labels_are_found_by_their_other_names(word: str, label: str) -> None:
    assert label in labels_meant(word)


@pytest.mark.parametrize("word", ["espresso", "・", "", "ぬるぬる", "lines", "canes"])
def test_what_is_in_no_other_name_finds_nothing_more(word: str) -> None:
    assert labels_meant(word) == labels_by_chance(word) == []


@pytest.mark.parametrize(
    ("words", "kinds", "others"),
    [
        ("dog Dogs puppies 犬 イヌ いぬ 子犬", "beagle Beagle pug Samoyed basenji", "hyena lynx coyote"),
        ("cat kittens 猫 ねこ", "tabby lynx", "lion catamaran"),
        ("bird Birds 鳥 トリ", "hen ostrich pelican albatross quail", "koala bee triceratops"),
        ("fish fishes 魚", "tench goldfish stingray eel puffer", "starfish jellyfish reel crayfish"),
        ("snake 蛇 ヘビ", "sidewinder diamondback", "whiptail lionfish"),
        ("turtles カメ", "terrapin loggerhead", "Komodo chameleon"),
        ("insect insects 昆虫", "ladybug mantis monarch bee", "tarantula snail"),
        ("spiders クモ", "tarantula", "scorpion"),
        ("monkey monkeys", "baboon titi marmoset", "gorilla indri"),
        ("猿 サル", "baboon gorilla indri", "Saluki"),
        ("butterflies チョウ", "admiral monarch", "ostrich goose sturgeon"),
        ("flower flowers 花 はな", "daisy rapeseed", "vase cauliflower"),
        ("food 食べ物 たべもの", "pizza guacamole banana broccoli", "hay cup espresso"),
        ("fruit 果物", "lemon fig strawberry", "cucumber"),
        ("mushrooms キノコ", "agaric bolete", "acorn"),
        ("パン", "bagel pretzel", "chimpanzee"),
        ("car cars 車", "jeep convertible limousine minivan", "cardigan carton canoe"),
        ("trucks トラック", "pickup", "tractor trifle"),
        ("boat boats ボート", "canoe yawl gondola", "airship submarine"),
        ("船 フネ", "canoe liner schooner", "airship dock"),
        ("airplanes 飛行機 ひこうき", "airliner warplane", "airship"),
        ("instrument 楽器 がっき", "cello flute sax", "radio"),
        ("chairs 椅子", "throne", "desk"),
        ("mountain 山 やま", "alp volcano", "valley"),
        ("bear くま", "teddy", "barbell"),
        ("金魚 きんぎょ", "goldfish", "tench"),
        ("boxes", "carton mailbox", "boxer Boxer"),
        ("テレビ", "television", "monitor"),
        ("鍋 なべ", "wok caldron", "teapot"),
    ],
)
def test_a_general_word_means_its_kinds_and_nothing_else(words: str, kinds: str, others: str) -> None:
    for word in words.split():
        meant = set(labels_meant(word))
        assert set(kinds.split()) <= meant, word
        assert not set(others.split()) & meant, word


@pytest.mark.parametrize(
    ("word", "by_chance", "found"),
    [
        ("dog", "hot dog", "dogsled"),
        ("cat", "oystercatcher", "tiger cat"),
        ("car", "cardigan", "car wheel"),
        ("ant", "giant panda", "ant"),
        ("plane", "block plane", "plane"),
        ("owl", "mixing bowl", "great grey owl"),
        ("key", "howler monkey", "padlock"),
        ("pen", "king penguin", "fountain pen"),
        ("man", "manhole cover", "ballplayer"),
        ("pan", "giant panda", "frying pan"),
        ("pot", "hippopotamus", "teapot"),
        ("coat", "flat-coated retriever", "lab coat"),
        ("nail", "snail", "nail"),
        ("AMPHIBIAN", "", "amphibian"),
    ],
)
def test_a_kind_of_something_else_holds_the_letters_by_chance(word: str, by_chance: str, found: str) -> None:
    """What stands on a card as a whole is never one of those: who types it wants it."""
    assert not by_chance or by_chance in labels_by_chance(word)
    assert found not in labels_by_chance(word)


@pytest.mark.parametrize(
    ("words", "by_chance"),
    [
        ("sky 空 そら", "Siberian husky"),
        ("tree trees 木", "streetcar"),
        ("rain 雨", "brain coral"),
        ("deer シカ", "Scottish deerhound"),
        ("ham ハム", "hamster"),
    ],
)
def test_what_no_class_is_a_kind_of_finds_none(words: str, by_chance: str) -> None:
    for word in words.split():
        assert labels_meant(word) == []
    assert by_chance in labels_by_chance(words.split()[0])


def test_what_a_card_says_is_found_by_it_though_it_names_a_group() -> None:
    for word in groups():
        by_chance = {label.casefold() for label in labels_by_chance(word)}
        assert word not in by_chance
        assert {known.label for known in classes() if known.ja == word} <= set(labels_meant(word)), word


def test_a_japanese_word_is_no_part_of_another() -> None:
    assert "timber wolf" in labels_meant("狼")
    assert "golden retriever" in labels_meant("レトリーバー")
    assert "golden retriever" not in labels_meant("トリ")


def test_every_general_word_means_one_group_of_classes_that_exist() -> None:
    rows = [line.split("\t") for line in label_search.TABLE.read_text(encoding="utf-8").splitlines()]
    names = [name for row in rows[1:] for name in (row[0] + " " + row[1]).split()]

    assert rows[0] == ["en", "ja", "classes"]
    assert {len(row) for row in rows} == {3}
    assert len(groups()) == len(names)
    for row in rows[1:]:
        indices = list(label_search._indices(row[2]))
        assert all(one < other for one, other in pairwise(indices)), row
        assert all(0 <= index < 1000 for index in indices)


def test_groups_that_hold_others_hold_all_of_them() -> None:
    inside = {
        "animal": "mammal bird fish reptile amphibian insect spider crustacean",
        "mammal": "dog cat primate rodent horse elephant whale bear rabbit",
        "reptile": "lizard turtle crocodile snake dinosaur",
        "bug": "insect",
        "canine": "wolf fox hound terrier spaniel poodle sheepdog",
        "food": "fruit vegetable meal dessert bread pasta",
        "vessel": "boat ship sailboat",
        "車": "car truck bus taxi",
        "furniture": "chair sofa bed table desk",
    }
    with_it_on_them = ("dogsled", "horse cart", "oxcart", "spider web", "soup bowl", "teddy", "bakery")
    aside = {known for known in classes() if known.label in with_it_on_them}

    for outer, inners in inside.items():
        for inner in inners.split():
            assert set(groups()[inner]) - aside <= set(groups()[outer]), (inner, outer)
