"""CIFAR-100: 50,000 training and 10,000 test images, 32 x 32 in colour, 100 (fine) classes."""

from trivit.models.data import cifar
from trivit.models.data.dataset import DatasetInfo, ImageDataset

_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

INFO = DatasetInfo(
    name="cifar100",
    channels=3,
    height=32,
    width=32,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    class_names=tuple(_CLASSES.split()),
)


def load() -> ImageDataset:
    """Read the data set from ``$TRIVIT_DATA``, as `cifar.load`.

    Raises:
        ModelsError: not found, or a file is corrupt.
    """
    return cifar.load(INFO)
