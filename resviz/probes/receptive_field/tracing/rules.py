"""The rules by which `Traced` goes through a network: which operation of torch does what to places.

Rules exist for what places: convolutions, pooling, interpolation, padding, slices, permutations,
views, concatenation, means; pointwise are the operations that torch itself tags so.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from resviz.probes.receptive_field.tracing.pointwise import (
    constant,
    layer_norm,
    measuring,
    pointwise,
    same,
)
from resviz.probes.receptive_field.tracing.reshaping import (
    along,
    cat,
    linear,
    normalize,
    reduction,
    reshape,
    stack,
    views,
)
from resviz.probes.receptive_field.tracing.tensor import RULES, Seen, Traced
from resviz.probes.receptive_field.tracing.windows import (
    adaptive_pool,
    avg_pool,
    conv,
    conv_transpose,
    interpolate,
    lp_pool,
    max_pool,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
)

__all__ = ["Seen", "Traced"]


def _named(names: str, rule: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    return dict.fromkeys(names.split(), rule)


def _with_func(names: str, rule: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Rules that also run the operation itself, as a method of tensors or of torch."""
    return {name: partial(rule, _function(name)) for name in names.split()}


def _function(name: str) -> Any:
    return getattr(Tensor, name, None) or getattr(torch, name)


RULES |= {
    **_named(
        "relu batch_norm local_response_norm prelu "
        "dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout "
        "contiguous to type float double half bfloat16 "
        "clone detach hardswish log_sigmoid logsigmoid softsign tanhshrink threshold _threshold requires_grad "
        "__neg__ __invert__",
        same,
    ),
    **_named("group_norm instance_norm", measuring),
    **_named("layer_norm rms_norm", layer_norm),
    **_named("zeros_like ones_like rand_like randn_like", constant),
    **_named(
        "__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __pow__ rsub",
        pointwise,
    ),
    **_named("__rdiv__ __rpow__ __floordiv__ __rfloordiv__ __mod__ __rmod__", pointwise),
    **_named("__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __and__ __or__ __xor__", pointwise),
    **_named("__iadd__ __isub__ __imul__ __itruediv__", pointwise),
    **_named("conv2d", conv),
    **_named("conv_transpose2d", conv_transpose),
    **_named("max_pool2d", max_pool),
    **_named("avg_pool2d", avg_pool),
    **_named("lp_pool2d", lp_pool),
    **_named("adaptive_avg_pool2d adaptive_max_pool2d", adaptive_pool),
    **_named("interpolate upsample", interpolate),
    **_named("pixel_shuffle", pixel_shuffle),
    **_named("pixel_unshuffle", pixel_unshuffle),
    **_named("pad", pad),
    **_named("cat concat concatenate", cat),
    **_named("stack", stack),
    **_named("softmax log_softmax softmin cumsum", along),
    **_named("normalize", normalize),
    **_named("linear", linear),
    **_with_func(
        "__getitem__ permute transpose swapaxes movedim unsqueeze squeeze narrow select chunk split unbind "
        "tensor_split expand expand_as t",
        views,
    ),
    **_with_func("view reshape flatten unflatten view_as reshape_as ravel", reshape),
    **_with_func("mean sum amax amin max min std var prod logsumexp norm argmax", reduction),
}
