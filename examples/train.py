"""Train a small network on the bundled digits, and read what it recorded in every layer.

The run lies in ~/.cache/resviz/runs ($RESVIZ_HOME/runs): the app shows it as well.

Run `python examples/train.py`.
"""

import resviz
from resviz.training.config import TrainConfig
from resviz.training.launch.start import start_run

config = TrainConfig(epochs=1, batch_size=64, lr=0.1, side=8, augmentation="none")
run, events = start_run("new/residual-8", "digits", config, threads=1)
for _ in events:  # nothing is trained before it is asked for
    pass

record = resviz.read_run(run.folder.name)
steps, norms = record.norms("weight_gradient")  # (S,) and (S, L): a norm for each step and layer
layers = record.layers("weight_gradient")  # from the input to the output
print(f"{record.status}: {len(steps)} steps, {len(layers)} layers")
for layer, first, last in zip(layers, norms[0], norms[-1], strict=True):
    print(f"{layer}: the gradient's norm went from {first:.2g} to {last:.2g}")
