"""Sets of uint8 images, and the batches that training takes from them."""

from trivit.models.data.config import DataConfig
from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images, ImageSource
from trivit.models.data.registry import (
    data_at,
    dataset_info,
    load_dataset,
    load_test_images,
    train_image_count,
)

__all__ = [
    "DataConfig",
    "DatasetInfo",
    "ImageDataset",
    "ImageSource",
    "Images",
    "data_at",
    "dataset_info",
    "load_dataset",
    "load_test_images",
    "train_image_count",
]
