"""Networks in files, to read them back and to refuse them."""

import json
import struct
import zipfile

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.errors import CheckpointError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def network(text="residual-8"):
    """A network whose running statistics are not the initial ones."""
    model = build(ModelSpec.parse(text))
    generator = torch.Generator().manual_seed(1)
    for name, b in model.named_buffers():
        if b.is_floating_point():
            b.uniform_(0.5, 1.5, generator=generator) if "var" in name else b.normal_(
                0, 0.1, generator=generator
            )
    return model


def scores(model, x=X):
    with torch.no_grad():
        return model(x)


def torch_saved(path, value, **how):
    torch.save(value, path, **how)
    return path


def refused(path, *said, **how):
    """The sentence with which a file is refused; it names the file and tells what was said."""
    with pytest.raises(CheckpointError) as caught:
        checkpoints.read(path, **how)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert all(part in sentence for part in (path.name, *said)), sentence
    return sentence


class TheirBlock(nn.Module):
    """The block of the CIFAR repositories, written down again as an oracle."""

    def __init__(self, inner, planes, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut, self.option, self.planes = nn.Sequential(), option, planes
        if option == "B" and stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inner, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )
        self.pads = option == "A" and stride != 1

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pads:
            return F.relu(
                out + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.planes // 4, self.planes // 4))
            )
        return F.relu(out + self.shortcut(x))


class TheirNet(nn.Module):
    def __init__(self, option):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(TheirBlock(16, 16, 1, option), TheirBlock(16, 16, 1, option))
        self.layer2 = nn.Sequential(TheirBlock(16, 32, 2, option), TheirBlock(32, 32, 1, option))
        self.layer3 = nn.Sequential(TheirBlock(32, 64, 2, option), TheirBlock(64, 64, 1, option))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


def repacked(source, target, change=lambda name, data: data, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def with_claim(path, count):
    """The legacy file of one tensor of 7 numbers that claims `count` instead."""
    torch.save({"w": torch.zeros(7)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    honest = b"K\x07N"  # BININT1 7, NONE: the end of the storage's name
    assert data.count(honest) == 1
    path.write_bytes(data.replace(honest, b"J" + struct.pack("<i", count) + b"N"))
    return path


def safetensors_file(path, header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path
