from mlmodels.inference.golden_pictures import COUNT, golden_pictures


def test_golden_pictures_are_the_same_every_time() -> None:
    first, again = ([picture.tobytes() for picture in golden_pictures()] for _ in range(2))
    assert first == again
    assert len(set(first)) == COUNT == 100


def test_golden_pictures_are_upright_rgb_of_a_decent_size() -> None:
    for picture in golden_pictures(12):
        assert picture.mode == "RGB"
        assert min(picture.size) >= 140
