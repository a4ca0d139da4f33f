"""What users read about the models of the catalogue, until staff write something else."""

from django.utils.translation import gettext_noop as _

# Stored in English; pages translate them.
DESCRIPTIONS = {
    ("efficientnet", "1.0.0"): _(
        "EfficientNet-Lite0, trained on ImageNet-1k: small and quick. Names the one main thing on a photograph out of "
        "1,000 classes of animals, plants, food and objects."
    ),
    ("efficientnet", "b0"): _(
        "EfficientNet-B0, trained on ImageNet-1k: small, and right more often than Lite0. Names the one main thing on "
        "a photograph out of 1,000 classes."
    ),
    ("resnet50", "1.0.0"): _(
        "ResNet-50, trained on ImageNet-1k with a modern recipe: the most accurate of the 1,000-class networks here, "
        "at a moderate pace."
    ),
    ("mobilenet", "1.0.0"): _(
        "MobileNetV3-Large, trained on ImageNet-1k: made for phones and the quickest of all. Knows the same 1,000 "
        "classes."
    ),
    ("vgg16", "1.0.0"): _(
        "VGG-16, trained on ImageNet-1k: a classic of 2014, large and slow, for comparison. Knows the same 1,000 "
        "classes."
    ),
    ("clip", "1.0.0"): _(
        "CLIP ViT-B/32: learned from captioned pictures of the web instead of fixed classes. Compares a picture with "
        "the names of the 1,000 ImageNet classes."
    ),
}
