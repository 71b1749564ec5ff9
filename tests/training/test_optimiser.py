"""The optimiser is torch's own to the bit, without torch's compiler."""

import copy
import subprocess
import sys

import pytest
import torch

from seehear import load_recipe
from seehear.training.optimiser import new_optimiser

KINDS = [(torch.optim.Adam, 0.0), (torch.optim.AdamW, 0.1)]


def weights():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, requires_grad=True) for shape in ((3, 4), (5,))]


def stepped(optimiser, parameters, steps):
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        sum(((p - 1) ** 2).sum() for p in parameters).backward()
        optimiser.step()


@pytest.mark.parametrize(("kind", "decay"), KINDS)
def test_steps_and_states_are_those_of_torch(kind, decay):
    recipe = load_recipe("paper", learning_rate=0.05, weight_decay=decay)
    ours, theirs = weights(), weights()
    own, other = new_optimiser(ours, recipe), kind(theirs, lr=0.05, weight_decay=decay, fused=True)
    for _ in range(2):
        stepped(own, ours, 3)
        stepped(other, theirs, 3)
        assert all(torch.equal(one, two) for one, two in zip(ours, theirs, strict=True))
        own.load_state_dict(copy.deepcopy(other.state_dict()))
    assert isinstance(own, kind)
    assert own.state_dict()["param_groups"] == other.state_dict()["param_groups"]
    assert not any(p.grad_fn for p in ours)


TRAINING = """
import sys
import numpy as np
import seehear as sh

rng = np.random.default_rng(0)
arrays = {name: rng.normal(size=(8, 3, 4)) for name in ("audio", "visual")}
data = sh.Dataset.from_arrays(arrays, labels=np.eye(2)[np.arange(8) % 2])
for recipe in ("refined", "paper"):
    sh.Parser(recipe, epochs=1, width=8, feed_forward=8, heads=1, device="cpu").fit(data, data, progress=False)
sys.exit("torch._dynamo" in sys.modules)
"""


def test_a_training_does_not_import_the_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
