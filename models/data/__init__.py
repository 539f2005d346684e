"""Datasets held in memory as uint8 tensors, and the batches that training takes from them."""

from trivit.models.data.config import DataConfig
from trivit.models.data.dataset import DatasetInfo, ImageDataset, Images
from trivit.models.data.registry import dataset_info, load_dataset

__all__ = ["DataConfig", "DatasetInfo", "ImageDataset", "Images", "dataset_info", "load_dataset"]
