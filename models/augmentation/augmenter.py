"""A uint8 batch becomes a training batch: crop, flip, policy, normalisation, erasing, mixing.

All choices are drawn on the host from the step's seed, for the whole batch: they are the same on
every device and for every number of processes. The work is done where the pixels are, and nothing
waits for the device. Only erasing's noise comes from the device's own generator.

On CUDA a few Triton kernels do all of it (``kernels``); the operations here are their reference.

Shape suffixes: B images, C channels, H and W stored height and width, S the model's image size,
K classes.
"""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.augmentation.draws import Draws, draw
from trivit.models.augmentation.erasing import erase
from trivit.models.augmentation.evaluation import evaluation_view
from trivit.models.augmentation.kernels import usable
from trivit.models.augmentation.mixing import mix_images, mix_labels
from trivit.models.augmentation.plan import carry_out
from trivit.models.augmentation.resample import resample, resize_weights
from trivit.models.augmentation.upload import upload
from trivit.models.data.dataset import DatasetInfo
from trivit.models.errors import ModelsError


class Augmented(NamedTuple):
    """An augmented batch.

    Attributes:
        images: normalised, (B, C, S, S), float32 or what the augmenter was told.
        targets: soft labels, float32 (B, K), where the settings mix images; else ``None``.
    """

    images: Tensor
    targets: Tensor | None


class Augmenter:
    """Augments batches of one dataset for one model."""

    def __init__(
        self,
        config: AugmentationConfig,
        info: DatasetInfo,
        image_size: int | None = None,
        num_classes: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare for images that ``info`` describes.

        Args:
            config: what to do.
            info: normalisation of the stored images, and the mean that warps fill with.
            image_size: S; by default the stored images' height, which then is their width too.
            num_classes: K; by default the dataset's.
            dtype: of the images. Whatever it is, they are computed in float32.

        Raises:
            ModelsError: ``image_size`` is left out and stored images are not square.
        """
        self.config = config
        self.info = info
        if image_size is None:
            if info.height != info.width:
                raise ModelsError(
                    f"images of {info.name} are {info.height} x {info.width}: "
                    "augmentation needs the model's image size"
                )
            image_size = info.height
        self.image_size = image_size
        self.num_classes = num_classes or len(info.class_names)
        self.dtype = dtype
        self._fill: Tensor | None = None
        self._noise: torch.Generator | None = None
        self._statistics: Tensor | None = None
        self._kernels: bool | None = None  # not known before the first batch

    @torch.no_grad()
    def __call__(
        self,
        pixels_BCHW: Tensor,
        labels_B: Tensor,
        seed: int,
        batch_size: int | None = None,
        part: slice = slice(None),
    ) -> Augmented:
        """Return the augmented batch; the same ``seed`` gives the same one.

        Args:
            pixels_BCHW: uint8 images, not changed.
            labels_B: int64, on the same device.
            seed: of this step.
            batch_size: images of the whole batch, when these are a part of it.
            part: which images of the whole batch these are; they come out as they do in it.

        Raises:
            ModelsError: images are to be mixed in pairs and their number is odd.
        """
        config, size = self.config, self.image_size
        count = len(pixels_BCHW) if batch_size is None else batch_size
        if config.mixes and len(pixels_BCHW) % 2:
            raise ModelsError(
                f"a process's part of the batch is {len(pixels_BCHW)} images: mixup and cutmix "
                "mix pairs, so choose a training.batch_size that gives each process an even number"
            )
        height, width = pixels_BCHW.shape[-2:]
        draws = draw(config, seed, count, (height, width), size)
        images = self._images(pixels_BCHW, draws, part)
        if draws.mixing is None:
            return Augmented(images, None)
        return Augmented(images, mix_labels(labels_B, self.num_classes, draws.mixing))

    def _images(self, pixels_BCHW: Tensor, draws: Draws, part: slice) -> Tensor:
        """Return the images (B, C, S, S): by Triton kernels where they serve, else operations."""
        if self._kernels is None:
            self._kernels = usable(pixels_BCHW)
            if self._kernels:
                try:
                    return self._by_kernels(pixels_BCHW, draws, part)
                except torch.OutOfMemoryError:
                    raise
                except Exception as error:  # no compiler, a driver that is too old ...
                    self._kernels = False
                    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                    warnings.warn(
                        f"images are augmented without Triton's kernels, more slowly ({reason})",
                        stacklevel=2,
                    )
        if self._kernels:
            return self._by_kernels(pixels_BCHW, draws, part)
        return self._by_operations(pixels_BCHW, draws, part)

    def _by_kernels(self, pixels_BCHW: Tensor, draws: Draws, part: slice) -> Tensor:
        from trivit.models.augmentation.kernels.batch import augmented_images  # needs Triton

        device = pixels_BCHW.device
        if self._statistics is None or self._statistics.device != device:
            self._statistics = upload(np.array([*self.info.mean, *self.info.std]), device)
        return augmented_images(
            pixels_BCHW,
            draws,
            part,
            self.config,
            self.image_size,
            self._statistics,
            self._mean(pixels_BCHW),
            self.dtype,
        )

    def _by_operations(self, pixels_BCHW: Tensor, draws: Draws, part: slice) -> Tensor:
        pixels = self._view(pixels_BCHW, draws, part)
        if draws.plan is not None:
            interpolation = self.config.interpolation
            pixels = carry_out(draws.plan[part], pixels, self._mean(pixels), interpolation)
        images = self.info.normalise(pixels)
        if draws.rectangles is not None:
            generator = self._generator(images.device, draws.seed)
            images = erase(images, draws.rectangles, generator, part)
        if draws.mixing is not None:
            images = mix_images(images, draws.mixing)
        # Rounded once, at the end.
        return images.to(self.dtype)

    def _view(self, pixels_BCHW: Tensor, draws: Draws, part: slice) -> Tensor:
        """Return uint8 images (B, C, S, S): cropped or whole, some of them mirrored."""
        config, size, device = self.config, self.image_size, pixels_BCHW.device
        mirrored_B = draws.mirrored[part]
        if draws.regions is None:
            pixels = evaluation_view(pixels_BCHW, size)
            if config.flip == 0:
                return pixels
            flipped = upload(mirrored_B, device).view(-1, 1, 1, 1)
            return torch.where(flipped, pixels.flip(-1), pixels)
        height, width = pixels_BCHW.shape[-2:]
        top, left, high, wide = (values[part] for values in draws.regions)
        rows = resize_weights(top, high, height, size, config.interpolation, device)
        columns = resize_weights(left, wide, width, size, config.interpolation, device, mirrored_B)
        return resample(pixels_BCHW, rows, columns)

    def _mean(self, pixels_BCHW: Tensor) -> Tensor:
        """Return the dataset's mean colour, uint8 (C,), kept on the device."""
        if self._fill is None or self._fill.device != pixels_BCHW.device:
            mean = np.rint(255 * np.array(self.info.mean)).astype(np.uint8)
            self._fill = upload(mean, pixels_BCHW.device)
        return self._fill

    def _generator(self, device: torch.device, seed: int) -> torch.Generator:
        if self._noise is None or self._noise.device != device:
            self._noise = torch.Generator(device)
        return self._noise.manual_seed(seed)
