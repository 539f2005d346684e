"""CIFAR-10: 50,000 training and 10,000 test images, 32 x 32 in colour, 10 classes."""

from trivit.models.data import cifar
from trivit.models.data.dataset import DatasetInfo, ImageDataset

INFO = DatasetInfo(
    name="cifar10",
    channels=3,
    height=32,
    width=32,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
)


def load() -> ImageDataset:
    """Read the data set from ``$TRIVIT_DATA``, as `cifar.load`.

    Raises:
        ModelsError: not found, or a file is corrupt.
    """
    return cifar.load(INFO)
