"""What torchvggish 0.2 itself makes of the waves and weights of the tests, to vggish.npz.

pip install torchvggish==0.2 resampy soundfile, then run this from the folder above with that and seehear importable.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from frozen import fill
from published import waves
from torchvggish import torchvggish, vggish_input

from seehear.networks import vggish

own = vggish.build().eval()
fill(own)
other = torchvggish.VGG(torchvggish.make_layers(), postprocess=False).eval()
other.load_state_dict(own.trunk.state_dict())
postprocessor = torchvggish.Postprocessor.__new__(torchvggish.Postprocessor)  # which would fetch its parameters
postprocessor._pca_matrix = own.whitening.pca_eigen_vectors
postprocessor._pca_means = own.whitening.pca_means[:, None]
with torch.no_grad():
    examples = [vggish_input.waveform_to_examples(wave.astype(np.float64), 16000) for wave in waves(16000, 15600)]
    patches = torch.cat(examples)
    embeddings = other(patches)
    np.savez_compressed(
        Path(__file__).with_name("vggish.npz"),
        patch=patches[0, 0].numpy(),
        embeddings=embeddings.numpy(),
        features=postprocessor.postprocess(embeddings).numpy(),
    )
