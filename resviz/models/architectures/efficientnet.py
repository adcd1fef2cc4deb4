"""EfficientNet-Lite0: inverted residual blocks that tell a thousand classes apart.

Tan and Le 2019, "EfficientNet", arXiv 1905.11946, Table 1, without squeeze-and-excitation and with
ReLU6 in place of swish: the Lite variant that its authors published in 2020. A block widens six
times by a 1x1 convolution, filters each channel by itself and narrows again; where shapes agree its
input is added (Sandler et al. 2018, arXiv 1801.04381, Fig. 3b). Nothing follows the sum.
"""

from torch import Tensor, nn

from resviz.models.architectures.blocks import Block, Residual
from resviz.models.architectures.layers import Add, SameConv2d, Tap

# widening, kernel, stride of the first block, channels, blocks: Table 1 of the paper
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM, HEAD = 32, 1280  # channels
EPSILON = 1e-3  # added to the variance in BatchNorm, as in the published weights


class _Inverted:
    """What inverted blocks with and without a shortcut have in common."""

    activated = False  # the last convolution is linear

    def _build(self, widen: int, kernel: int, stride: int, inside: int, outside: int) -> None:
        wide = inside * widen
        convolutions = [SameConv2d(wide, wide, kernel, stride, groups=wide, bias=False)]
        if widen > 1:
            convolutions.insert(0, SameConv2d(inside, wide, 1, bias=False))
        convolutions.append(SameConv2d(wide, outside, 1, bias=False))
        self.layers, self.out_channels = len(convolutions), outside
        for i, conv in enumerate(convolutions, start=1):
            self.add_module(f"conv{i}", conv)  # type: ignore[attr-defined]
            norm = nn.BatchNorm2d(conv.out_channels, EPSILON)
            self.add_module(f"bn{i}", norm)  # type: ignore[attr-defined]
            if i < len(convolutions):
                self.add_module(f"relu{i}", nn.ReLU6())  # type: ignore[attr-defined]

    def last_activation(self, x: Tensor) -> Tensor:
        return x


class InvertedPlain(_Inverted, Block):
    """F(x): the block where the shape changes, which has no shortcut."""

    def __init__(self, widen: int, kernel: int, stride: int, inside: int, outside: int) -> None:
        nn.Module.__init__(self)
        self._build(widen, kernel, stride, inside, outside)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class InvertedResidual(_Inverted, Residual):
    """x + F(x): the block whose input and output have the same shape."""

    def __init__(self, widen: int, kernel: int, stride: int, inside: int, outside: int) -> None:
        nn.Module.__init__(self)
        self._build(widen, kernel, stride, inside, outside)
        self.downsample = None
        self.branch, self.shortcut, self.add = Tap(), Tap(), Add()


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 for images of any size; the weights expect 224 pixels."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = SameConv2d(3, STEM, 3, 2, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(STEM, EPSILON), nn.ReLU6()
        channels = STEM
        for i, (widen, kernel, stride, outside, count) in enumerate(STAGES, start=1):
            blocks = []
            for j in range(count):
                kind = InvertedPlain if j == 0 else InvertedResidual
                step = stride if j == 0 else 1
                blocks.append(kind(widen, kernel, step, channels, outside))
                channels = outside
            self.add_module(f"layer{i}", nn.Sequential(*blocks))
        self.conv2 = SameConv2d(channels, HEAD, 1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(HEAD, EPSILON), nn.ReLU6()
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten(1)
        self.fc = nn.Linear(HEAD, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        for i in range(1, len(STAGES) + 1):
            x = self.get_submodule(f"layer{i}")(x)
        x = self.relu2(self.bn2(self.conv2(x)))
        return self.fc(self.flatten(self.avgpool(x)))  # type: ignore[no-any-return]
