"""The inputs of a layer's sums: what each weight is multiplied by, and the second moments
of that."""

import numpy as np

# Second moments of a deeper layer would take more than half a gigabyte.
MOST_DEPTH = 8192


class SecondMoments:
    """Sums of x xᵀ and of x over all rows x that the weights of a layer are multiplied by,
    for each group of a convolution: [groups, depth, depth] and [groups, depth], depth in
    the order of `as_rows`."""

    def __init__(self, layer):
        groups = layer.group
        depth = len(layer.as_rows(layer.weights)[0])
        self.layer = layer
        self.squares = np.zeros((groups, depth, depth))
        self.sums = np.zeros((groups, depth))
        # Of what x was before anything changed, and its products with x.
        self.cross = np.zeros((groups, depth, depth))
        self.exact_sums = np.zeros((groups, depth))
        self.rows = 0

    def update(self, x, exact=None):
        """Takes in one run's input, and what it was in the model as it was given."""
        pairs = zip(_rows(self.layer, np.asarray(x, np.float32)),
                    _rows(self.layer, np.asarray(x if exact is None else exact, np.float32)))
        for group, (rows, wanted) in enumerate(pairs):
            self.squares[group] += rows.T @ rows
            self.sums[group] += rows.sum(0, dtype=np.float64)
            if exact is not None:
                self.cross[group] += wanted.T @ rows
                self.exact_sums[group] += wanted.sum(0, dtype=np.float64)
        self.rows += len(rows)

    @property
    def exact_means(self):
        return self.exact_sums / max(self.rows, 1)

    def centered_cross(self):
        return self.cross - np.einsum("gi,gj->gij", self.exact_sums, self.means)

    @property
    def means(self):
        return self.sums / max(self.rows, 1)

    def centered(self):
        """The squares around the means: what counts where a bias takes up the rest."""
        return self.squares - np.einsum("gi,gj->gij", self.sums, self.means)


def _rows(layer, x):
    """[rows, depth] for each group."""
    if layer.node.op_type != "Conv":
        if layer.attributes.get("transA", 0):
            x = x.T
        yield x.reshape(-1, x.shape[-1])
        return
    windows = _windows(layer, x)
    groups = layer.group
    channels = x.shape[1] // groups
    rank = x.ndim - 2
    # [n, c, out.., kernel..] to [n, out.., kernel.., c]
    moved = np.moveaxis(windows, 1, -1)
    for group in range(groups):
        part = moved[..., group * channels:(group + 1) * channels]
        yield part.reshape(int(np.prod(part.shape[:1 + rank])), -1)


def _windows(layer, x):
    rank = x.ndim - 2
    values = layer.attributes
    kernel = layer.weights.shape[2:]
    strides = values.get("strides", [1] * rank)
    dilations = values.get("dilations", [1] * rank)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    x = np.pad(x, [(0, 0), (0, 0), *explicit_pads(values, x.shape[2:], spans, strides)])
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(2, x.ndim)))
    return view[(slice(None), slice(None), *(slice(None, None, s) for s in strides),
                 *(slice(None, None, d) for d in dilations))]


def explicit_pads(values, sizes, spans, strides):
    mode = values.get("auto_pad", b"NOTSET").decode()
    rank = len(sizes)
    if mode == "VALID":
        return [(0, 0)] * rank
    if mode.startswith("SAME"):
        total = [max((-(-size // stride) - 1) * stride + span - size, 0)
                 for size, stride, span in zip(sizes, strides, spans)]
        small = [(t // 2, t - t // 2) for t in total]
        return small if mode == "SAME_UPPER" else [(b, a) for a, b in small]
    pads = values.get("pads", [0] * (2 * rank))
    return list(zip(pads[:rank], pads[rank:]))
