"""The thousand names are those of the published weights, in both languages, each once."""

from torchvision.models import ResNet18_Weights

from resviz.data.class_names import imagenet


def test_english_names_are_those_of_the_published_weights():
    assert list(imagenet()) == ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
