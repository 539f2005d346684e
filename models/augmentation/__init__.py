"""Augmentation of uint8 batches on the training device, and the view that evaluation takes."""

from trivit.models.augmentation.augmenter import Augmented, Augmenter
from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.augmentation.evaluation import evaluated, evaluation_view

__all__ = ["AugmentationConfig", "Augmented", "Augmenter", "evaluated", "evaluation_view"]
