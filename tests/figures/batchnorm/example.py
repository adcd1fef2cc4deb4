"""A small network's layers for the tests of the figures on BatchNorm."""

from resviz.probes.batchnorm.statistics import batchnorm
from tests.probes.example_nets import cifar, picture

MODEL, X = cifar(8), picture(16, batch=4)
LAYERS = batchnorm(MODEL, X)
