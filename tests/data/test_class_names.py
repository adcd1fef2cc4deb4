"""The thousand names are those of the published weights, in both languages, each once."""

import pytest
from torchvision.models import ResNet18_Weights

from resviz.data.class_names import imagenet, translated


def test_english_names_are_those_of_the_published_weights():
    assert list(imagenet()) == ResNet18_Weights.IMAGENET1K_V1.meta["categories"]


def test_a_name_that_nobody_lists_stays_as_it_is():
    assert translated("my own class", "zh") == "my own class"
    assert translated("truck", "en") == "truck"
    assert translated("truck", "zh") == "卡车"


def test_chinese_names_are_chinese_and_each_stands_for_one_class():
    names = imagenet("zh")
    assert len(set(names)) == 1000
    chinese = [name for name in names if any("\u4e00" <= letter <= "\u9fff" for letter in name)]
    assert set(names) - set(chinese) == {"iPod"}


@pytest.mark.parametrize(
    ("label", "chinese"),
    [
        ("church", "教堂"),
        ("golf ball", "高尔夫球"),
        ("tench", "丁鲷"),
        ("garbage truck", "垃圾车"),
        ("space shuttle", "航天飞机"),
        ("toilet tissue", "卫生纸"),
    ],
)
def test_names_at_the_start_in_the_middle_and_at_the_end_are_of_their_class(label, chinese):
    assert translated(label, "zh") == chinese
