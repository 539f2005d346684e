"""Settings out of their range are refused in one line that names value and remedy."""

import pytest

from trivit.models.augmentation import AugmentationConfig
from trivit.models.errors import ModelsError


def test_nothing_is_the_default() -> None:
    config = AugmentationConfig()
    assert not config.mixes and config.repeats == 1 and config.policy == "none"
    assert AugmentationConfig(mixup=0.8).mixes and AugmentationConfig(cutmix=1.0).mixes
    assert not AugmentationConfig(mixup=0.8, mix_probability=0.0).mixes


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("repeats", 0, "1 or more"),
        ("randaugment_layers", 0, "1 or more"),
        ("flip", 1.5, "0 to 1"),
        ("erasing", -0.1, "0 to 1"),
        ("color_jitter", float("nan"), "0 to 1"),
        ("switch_probability", 2.0, "0 to 1"),
        ("mixup", -1.0, "0 or more"),
        ("cutmix", float("inf"), "0 or more"),
        ("randaugment_magnitude", 11.0, "0 to 10"),
        ("scale", (0.5,), "two rising numbers above 0 and at most 1"),
        ("scale", (0.5, 1.2), "two rising numbers above 0 and at most 1"),
        ("erasing_area", (0.3, 0.2), "two rising numbers above 0 and at most 1"),
        ("ratio", (0.0, 1.0), "two rising numbers above 0"),
        ("ratio", (1.0, float("inf")), "two rising numbers above 0"),
    ],
)
def test_values_out_of_range(name: str, value: object, allowed: str) -> None:
    with pytest.raises(ModelsError) as caught:
        AugmentationConfig(**{name: value})  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(f"augmentation.{name} is ") and allowed in message
    assert "\n" not in message
