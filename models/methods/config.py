"""Settings of the sparsity section of an experiment.

The final token and attention keep ratios belong to the model (``model.token_keep_ratio``,
``model.attention_keep_ratio``): evaluation and the accelerator use them too.
"""

from dataclasses import dataclass, field

from trivit.models.methods.examples.method import ExampleConfig, parse_examples
from trivit.models.methods.warmup import WarmupConfig
from trivit.models.settings import Compat


@dataclass(frozen=True, kw_only=True)
class SparsityConfig:
    """The three levels during training.

    Attributes:
        compat: ``paper``, or ``code`` to follow the released code where it differs.
        variance_block: block whose [CLS] attention variance orders examples with as many
            forgetting events (-1: the last; ``null``: none, they are ordered at random). With
            token sparsity the paper takes the block before the first selector.
    """

    compat: Compat = "paper"
    variance_block: int | None = -1
    examples: ExampleConfig = field(
        default_factory=ExampleConfig, metadata={"parse": parse_examples}
    )
    warmup: WarmupConfig = field(default_factory=WarmupConfig)
