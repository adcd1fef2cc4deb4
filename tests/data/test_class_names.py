"""The thousand names are those of the published weights, in both languages, each once."""

from torchvision.models import ResNet18_Weights

from resviz.data.class_names import imagenet, translated


def test_english_names_are_those_of_the_published_weights():
    assert list(imagenet()) == ResNet18_Weights.IMAGENET1K_V1.meta["categories"]


def test_a_name_that_nobody_lists_stays_as_it_is():
    assert translated("my own class", "zh") == "my own class"
    assert translated("truck", "en") == "truck"
    assert translated("truck", "zh") == "卡车"
