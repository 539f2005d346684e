"""Which part of a step a kernel of the GPU, or an operator of PyTorch, belongs to, by its name.

The first rule that fits decides. A kernel that the compiler fused carries the names of what it
fuses: there the part that costs most counts, so that GELU with a residual beside it is GELU. The
patch embedding as a product of unfolded patches has a product's kernel and counts there.
"""

import re

#: What time is grouped by, in the order of tables and pictures.
GROUPS = (
    *("products", "attention", "GELU", "layer norm", "patch embedding", "optimizer"),
    *("casts and copies", "selection", "loss", "other"),
)

# A kernel that torch.compile fused, without the templates of products.
_FUSED = re.compile(r"(?:^|_)(?:triton_(?!tem)[a-z]+|cpp)_fused_(?P<words>.*)")

_FUSED_RULES = (
    ("loss", r"nll_loss|log_softmax"),
    ("attention", r"softmax|scaled_dot_product|attention"),
    ("patch embedding", r"convolution"),
    ("layer norm", r"layer_norm"),
    ("GELU", r"gelu"),
    ("optimizer", r"adam|foreach|lerp"),
    ("selection", r"gather|scatter|sort|topk|index|argmax|isin"),
)

# A fused kernel of these alone moves data.
_MOVES = re.compile(
    r"(?:_?(?:to_copy|clone|copy|cat|view|t|permute|transpose|unsqueeze|slice|select|expand"
    r"|_unsafe_view|constant_pad_nd|zeros|full|fill|\d+))+"
)

_RULES = (
    ("loss", r"log_?softmax|nll_?loss|cross_?entropy"),
    (
        "attention",
        r"flash|fmha|sdpa|scaled_?dot_?product|attention|softmax"
        r"|^(forward|queries|keys|spread|gradient)_kernel",  # models/layers/short_attention
    ),
    ("optimizer", r"multi_tensor_apply|fused_?adam|adamw|_foreach_|lerp|accumulategrad"),
    (
        "patch embedding",
        r"convol|conv2d|[wd]grad|fprop|nchw_?to_?nhwc|nhwc_?to_?nchw|im2col|unfold",
    ),
    (
        "products",
        r"gemm|gemv|nvjet|cutlass|split_?k|cublas|triton_tem_|triton_mm"
        r"|add_?mm|(?<![a-z])b?mm(backward|$|_)|aten::(linear|matmul|t)$",
    ),
    ("GELU", r"gelu"),
    ("layer norm", r"layer_?norm|gammabeta|rowwisemoments"),
    ("selection", r"gather|scatter|sort|top_?k|radix|bitonic|index"),
    (
        "casts and copies",
        r"memcpy|memset|copy|clone|catarray|aten::(cat|to|fill_|zero_|contiguous)$|fillfunctor",
    ),
)


def group_of(name: str) -> str:
    """Return which of ``GROUPS`` a kernel or operator called ``name`` belongs to."""
    if fused := _FUSED.search(name):
        words = fused["words"]
        if _MOVES.fullmatch(words):
            return "casts and copies"
        return _first(_FUSED_RULES, words)
    return _first(_RULES, name)


def _first(rules: tuple[tuple[str, str], ...], name: str) -> str:
    return next((group for group, rule in rules if re.search(rule, name, re.IGNORECASE)), "other")
