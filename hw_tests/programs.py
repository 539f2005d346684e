"""Random programs that use every opcode, for comparing backends with each other.

A program is one transformer block with random shapes, weights and formats, so tensors have the
ranges that real ones have, and saturate now and then.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle, OutputInfo, Preprocessing, Program, TensorInfo
from trivit.host.fixed_point import Int16
from trivit.host.instructions import encode
from trivit.host.oracle.checks import column_tiles, mask_words, matrix_words


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a random block."""

    channels: int = 1
    grid: int = 3
    patch: int = 4
    heads: int = 2
    head_words: int = 1
    hidden_words: int = 4
    keep: int = 5
    connections: int = 2
    classes: int = 10

    @property
    def tokens(self) -> int:
        """Rows of the token matrix, [CLS] included."""
        return 1 + self.grid**2

    @property
    def words(self) -> int:
        """Memory words in a token's row."""
        return self.heads * self.head_words


class Builder:
    """Appends instructions, parameters and tensors; allocates activation memory in order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.program: list[NDArray[np.uint32]] = []
        self.params: list[Int16] = []
        self.params_words = 0
        self.address = 0
        self.tensors: list[TensorInfo] = []

    def values(self, words: int, bits: int) -> int:
        """Append random parameters below 2^bits and return their address in words."""
        return self.constants(self.rng.integers(-(1 << bits) + 1, 1 << bits, words * 8))

    def constants(self, block: NDArray[np.integer]) -> int:
        """Append whole words of parameters and return their address in words."""
        address = self.params_words
        self.params.append(block.astype(np.int16))
        self.params_words += len(block) // 8
        return address

    def tensor(self, name: str, rows: int, words: int, kind: str = "value") -> int:
        """Allocate the tensor that the next instruction writes and return its address."""
        address = self.address
        self.address += -(-rows // 8) * words
        self.tensors.append(
            TensorInfo(
                name=name,
                instruction=len(self.program),
                address=address,
                rows=rows,
                words=words,
                columns=words * 8,
                frac=0,
                kind=kind,
            )
        )
        return address

    def add(self, opcode: str, flags: tuple[str, ...] = (), **fields: int) -> None:
        """Append an instruction."""
        self.program.append(encode(opcode, flags, **fields))

    def linear(
        self,
        name: str,
        src: int,
        rows: int,
        depth_words: int,
        out_words: int,
        *,
        gelu: bool = False,
        residual: int | None = None,
    ) -> int:
        """Append a matmul whose outputs fill most of the int16 range."""
        weight = self.values(matrix_words(column_tiles(out_words), depth_words), 12)
        dst = self.tensor(name, rows, out_words)
        flags = (*(("gelu",) if gelu else ()), *(("residual",) if residual is not None else ()))
        self.add(
            "matmul",
            flags,
            dst=dst,
            src=src,
            residual=residual or 0,
            weight=weight,
            rows=rows,
            depth_words=depth_words,
            out_words=out_words,
            bias_shift=int(self.rng.integers(10, 13)),
            residual_shift=int(self.rng.integers(9, 12)),
            out_shift=11 + int(math.log2(depth_words * 8) / 2),
            gelu_in_frac=12,
            gelu_out_frac=12,
        )
        return dst

    def layernorm(self, name: str, src: int, rows: int, words: int) -> int:
        """Append a layer normalisation."""
        width = words * 8
        gamma, beta = self.values(words, 14), self.values(words, 13)
        dst = self.tensor(name, rows, words)
        self.add(
            "layernorm",
            dst=dst,
            src=src,
            gamma=gamma,
            beta=beta,
            rows=rows,
            words=words,
            inv_width=round(2**32 / width),
            sqrt_width=round(math.sqrt(width) * 2**16),
            epsilon=round(1e-6 * width * 2 ** (2 * (11 + 8))),
            beta_shift=int(self.rng.integers(18, 22)),
            out_shift=20 + 14 - 13,
        )
        return dst

    def attention(self, name: str, src: int, shape: Shape, tokens: int, mask: int | None) -> int:
        """Append an attention; the first one of a block feeds the selectors."""
        dst = self.tensor(name, tokens, shape.words)
        self.add(
            "attention",
            ("mask",) if mask is not None else ("score_cls", "score_all"),
            dst=dst,
            src=src,
            mask=mask or 0,
            tokens=tokens,
            heads=shape.heads,
            head_words=shape.head_words,
            score_shift=13 + int(math.log2(shape.head_words)),
            exp_multiplier=int(self.rng.integers(1 << 23, 1 << 24)),
            exp_shift=int(self.rng.integers(12, 16)),
            prob_frac=15,
            out_shift=14,
        )
        return dst


def random_bundle(seed: int, shape: Shape | None = None) -> tuple[Bundle, NDArray[np.uint8]]:
    """Return a program over every opcode and two uint8 images for it.

    The program embeds patches, runs a block with both selectors, a second attention under the mask,
    and a head; all its tensors are named, so with_trace compares each.
    """
    shape = shape or Shape()
    rng = np.random.default_rng(seed)
    b = Builder(rng)
    side = shape.grid * shape.patch
    rows, words = shape.tokens, shape.words
    patch_words = -(-shape.channels * shape.patch**2 // 8)

    patches = b.tensor("patches", rows, patch_words)
    b.add(
        "patchify",
        dst=patches,
        source=0,
        channels=shape.channels,
        height=side,
        width=side,
        patch=shape.patch,
    )
    source = b.values(rows * words, 13)
    positions = b.tensor("positions", rows, words)
    b.add("load", dst=positions, source=source, rows=rows, words=words)
    x = b.linear("x", patches, rows, patch_words, words, residual=positions)
    qkv = b.linear("qkv", b.layernorm("norm1", x, rows, words), rows, words, 3 * words)
    context = b.attention("context", qkv, shape, rows, None)
    x = b.linear("proj", context, rows, words, words, residual=x)

    kept_rows = 1 + shape.keep
    kept = b.tensor("kept", 1, -(-kept_rows // 8), "index")
    b.add("select_tokens", dst=kept, tokens=rows, keep=shape.keep)
    gathered = b.tensor("tokens", kept_rows, words)
    b.add("gather", dst=gathered, src=x, index=kept, src_rows=rows, rows=kept_rows, words=words)
    mask = b.tensor("mask", kept_rows, mask_words(kept_rows), "mask")
    b.add(
        "select_connections",
        dst=mask,
        index=kept,
        tokens=rows,
        rows=kept_rows,
        keep=shape.connections,
    )
    norm2 = b.layernorm("norm2", gathered, kept_rows, words)
    hidden = b.linear("fc1", norm2, kept_rows, words, shape.hidden_words, gelu=True)
    x = b.linear("fc2", hidden, kept_rows, shape.hidden_words, words, residual=gathered)
    qkv2 = b.linear("qkv2", x, kept_rows, words, 3 * words)
    last = b.attention("context2", qkv2, shape, kept_rows, mask)
    out_words = -(-shape.classes // 8)
    logits = b.linear("head", b.layernorm("norm", last, 1, words), 1, words, out_words)
    b.add("store", src=logits, target=0, rows=1, words=out_words)

    lut = np.clip(np.arange(256) * 128 - 16384, -32768, 32767).astype(np.int16)
    program = Program(
        name="random",
        instructions=np.stack(b.program),
        output_words=out_words,
        outputs=(
            OutputInfo(
                name="logits", offset=0, rows=1, words=out_words, columns=shape.classes, frac=11
            ),
        ),
        tensors=tuple(b.tensors),
        token_keep_ratio=shape.keep / shape.grid**2,
        attention_keep_ratio=shape.connections / shape.keep,
    )
    bundle = Bundle(
        params=np.concatenate(b.params),
        preprocessing=Preprocessing(
            channels=shape.channels,
            height=side,
            width=side,
            lut=np.repeat(lut[None], shape.channels, axis=0),
            frac=14,
            mean=(0.5,) * shape.channels,
            std=(0.5,) * shape.channels,
        ),
        class_names=tuple(str(i) for i in range(shape.classes)),
        input_words=-(-shape.channels * side * side // 8),
        programs=(program,),
    )
    images = rng.integers(0, 256, (2, shape.channels, side, side)).astype(np.uint8)
    return bundle, images
