"""Memory-mapped stores of images that all have one size, as uint8 pixels or as JPEG.

A store is a folder::

    index.json                what follows, its checksums and the source it was made from
    {train,test}/images.bin   uint8 (B, C, H, W), or JPEG files one after the other
                 offsets.bin  int64 (B + 1,), JPEG only: where each file starts
                 labels.bin   int64 (B,)
                 names.txt    name of each image in its source, one a line

All numbers are little-endian.
"""

from trivit.models.data.store.check import check_store, verify_store
from trivit.models.data.store.classes import classes_without_images
from trivit.models.data.store.images import StoredImages, load_part, load_store
from trivit.models.data.store.index import StoreIndex
from trivit.models.data.store.prepare import PrepareConfig, partial_folder, prepare

__all__ = [
    "PrepareConfig",
    "StoreIndex",
    "StoredImages",
    "check_store",
    "classes_without_images",
    "load_part",
    "load_store",
    "partial_folder",
    "prepare",
    "verify_store",
]
