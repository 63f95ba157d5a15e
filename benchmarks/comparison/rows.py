"""The rows of the comparison: their numbers, titles and themes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """A kind of fault.

    Attributes:
        title: of the section.
        by_hand: what PyTorch by hand needs, in a paragraph.
        rows: number and title of each row.
    """

    title: str
    by_hand: str
    rows: dict[int, str]


THEMES = (
    Theme(
        "Lost",
        "PyTorch carries no masks, so none is lost: a tensor of lengths or a mask goes beside "
        "every tensor, and what changes time changes it too. An RNN takes lengths, packed; "
        "attention takes the inverted mask; pooling, convolution, normalization, losses take "
        "nothing, and are written out. Nothing tells whether one was forgotten.",
        {
            1: "Operators, slices and functions on a masked tensor",
            2: "Attention and the masks of its inputs",
            3: "An RNN with an initial state",
            4: "Two mechanisms in one graph",
            5: "Nested models",
            6: "A merge with an input that has no mask",
            7: "Stacked RNNs and wrappers",
            8: "Layers that change shapes, windows, and safe layers",
            9: "Compiling, saving, exporting",
            10: "Hierarchical models",
            11: "Custom layers of several inputs",
            12: "A custom layer that returns its input",
            13: "Knowing which layers pass the mask",
        },
    ),
    Theme(
        "Seen",
        "A mask given to PyTorch's attention keeps padding from being weighed, not from being "
        "multiplied by 0: NaN comes through, and only `torch.where` before the layer stops it. "
        "Statistics, shares over time and metrics are written out over `x[mask]`. Packed input "
        "never holds padding, so RNNs are right, gradients too. `ignore_index` settles labels.",
        {
            14: "NaN and Inf in the padding",
            15: "Statistics and shares over time",
            16: "A softmax over features",
            17: "Masks of queries, keys and values",
            18: "Merging inputs whose masks differ",
            19: "Backwards and in both directions",
            20: "Zeros in place of the final output",
            21: "Metrics, regularisers, statistics of data",
            22: "Sample weights, and losses over time",
            23: "Labels in the padding",
            24: "Logits tied to an embedding",
            25: "Left padding",
            26: "The fast path of PyTorch's encoder",
        },
    ),
    Theme(
        "Empty",
        "`pack_padded_sequence` refuses a length of 0 and an empty batch, so such rows are taken "
        "out before and put back after. A mean needs `clamp(min=1)`. Where a query has no key, "
        "`nn.MultiheadAttention` gives NaN, forwards and backwards; replacing NaN afterwards does "
        "not mend the gradients.",
        {
            27: "A sequence without steps",
            28: "Batches without sequences, time or steps",
        },
    ),
    Theme(
        "Told wrongly",
        "In PyTorch, True means ignore in `key_padding_mask` and in the bool `attn_mask` of "
        "`nn.MultiheadAttention`, and keep in that of `scaled_dot_product_attention`. Lengths "
        "stand on the CPU, sorted unless one says otherwise. Few shapes are checked.",
        {
            29: "What True means",
            30: "Wrong masks that are taken, and false alarms",
            31: "Packed sequences and nested tensors",
            32: "Custom cells and convolutional RNNs",
            33: "`pad_sequences`",
            34: "The masking guide's own layer",
            35: "What an embedding masks",
        },
    ),
)
