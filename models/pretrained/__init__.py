"""Weights that others trained: state dicts of timm and DeiT, fitted to a model of this package.

``files``      reads them, without running what a pickle may carry
``names``      brings their names to this package's, and folds layer scale into the products
``positions``  moves position embeddings to another image size
``load``       fits them to a model and reports what it did
"""

from trivit.models.pretrained.files import read_state_dict
from trivit.models.pretrained.load import PretrainedReport, load_pretrained

__all__ = ["PretrainedReport", "load_pretrained", "read_state_dict"]
