"""Patch product, positions and the row of [CLS]."""

from trivit.host.training.program import Operand, TensorSpec
from trivit.tools.compiler.ir import PatchEmbed
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule
from trivit.tools.training.rules.linear import weight_and_bias

IMAGE, PATCHES = "image", "patches"


def forward(operation: PatchEmbed, builder: Builder) -> None:
    """State the image, its patches, their product and the row of [CLS]."""
    channels, height, width = operation.image_shape
    patch, output = operation.patch, operation.output
    frac = operation.image_frac
    builder.declare(
        TensorSpec(name=IMAGE, rows=channels * height, columns=width, frac=frac, role="image")
    )
    columns = channels * patch * patch
    builder.declare(
        TensorSpec(name=PATCHES, rows=output.rows, columns=columns, frac=frac, role="fixed")
    )
    builder.emit(
        "patchify",
        dst=PATCHES,
        image=IMAGE,
        channels=channels,
        height=height,
        width=width,
        patch=patch,
    )
    weight = builder.parameter(operation.weight, matrix=True)
    bias = {} if operation.bias is None else {"bias": builder.parameter(operation.bias)}
    position = builder.parameter(operation.pos_embed)
    cls_token = builder.parameter(operation.cls_token)
    name = builder.activation(output)
    builder.emit(
        "product",
        dst=Operand(name, 1),
        a=Operand(PATCHES, 1),
        b=weight,
        addend=Operand(position, 1),
        transpose_b=1,
        **bias,
    )
    builder.emit(
        "cls_row", dst=Operand(name, 0, 1), cls=cls_token, position=Operand(position, 0, 1)
    )


def backward(operation: PatchEmbed, builder: Builder) -> None:
    """State the gradient of the weight and the updates; positions and [CLS] take that of x0."""
    dy = builder.gradient(operation.output.name)
    bias = None if operation.bias is None else operation.bias.name
    weight_and_bias(builder, operation.weight.name, bias, dy, PATCHES, first=1)
    builder.update(operation.pos_embed.name, dy)
    builder.update(operation.cls_token.name, Operand(dy, 0, 1))


rule(PatchEmbed, forward, backward)
