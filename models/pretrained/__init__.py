"""Weights that others trained: state dicts of timm and DeiT, fitted to a model of this package.

``files``      reads them, without running what a pickle may carry
``sections``   says which state dict of a checkpoint is meant
``names``      brings their names to this package's, and folds layer scale into the products
``positions``  moves position embeddings to another image size
``soundness``  finds values that no training leaves behind
``load``       fits them to a model and reports what it did
"""

from trivit.models.pretrained.load import PretrainedReport, load_pretrained
from trivit.models.pretrained.sections import read_weights

__all__ = ["PretrainedReport", "load_pretrained", "read_weights"]
