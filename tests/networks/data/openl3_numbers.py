"""What torchopenl3 1.0.1 and openl3 0.4.2 themselves make of the tests' waves, pictures and weights, to openl3.npz.

Put their code into a folder without installing them; pip install keras (3, with KERAS_BACKEND=torch), librosa, resampy,
julius, h5py and scikit-learn; run this from the folder above with all that and seehear importable, the path to
openl3/models.py being its argument. Keras 3 stands in for TensorFlow's; the front end of openl3, which needs
TensorFlow, is left out.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import types
from pathlib import Path

import keras
import numpy as np
import torch
from frozen import fill, frames
from published import waves, write_keras
from torchopenl3.models import PytorchOpenl3

from seehear.networks import openl3


def openl3_models(path: str) -> types.ModuleType:
    """openl3's models.py."""
    tensorflow = types.ModuleType("tensorflow")
    tensorflow.keras = keras
    sys.modules |= {"tensorflow": tensorflow, "tensorflow.keras": keras, "tensorflow.keras.backend": keras.backend}
    sys.modules |= {f"tensorflow.keras.{part}": getattr(keras, part) for part in ("layers", "regularizers")}
    sys.modules["openl3"] = types.ModuleType("openl3")
    sys.modules["openl3.openl3_exceptions"] = types.SimpleNamespace(OpenL3Error=Exception)
    spec = importlib.util.spec_from_file_location("openl3.models", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(module: torch.nn.Module) -> torch.nn.Module:
    """All but the mel filters."""
    fill(module)
    if hasattr(module, "speclayer"):
        module.speclayer.mel_basis.copy_(torch.from_numpy(openl3.mel_filters(openl3.RATE, openl3.FFT, openl3.BANDS)))
    return module.eval()


models = openl3_models(sys.argv[1])
found = {}
sound = torch.from_numpy(waves(48000, 48000))
with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
    for width in openl3.AUDIO_TILES:
        own = filled(openl3.build_audio(width))
        other = PytorchOpenl3("env", "mel256", width).eval()
        other.load_state_dict(other.state_dict() | own.state_dict())
        spectra = other.speclayer(sound[:, None])
        found[f"audio{width}"] = other(sound[:, None]).numpy()
        path = Path(folder) / f"{width}.h5"
        write_keras(path, own)
        network = models.load_audio_embedding_model_from_path(path, "mel256", width, frontend="librosa")
        difference = np.abs(network.predict(spectra.numpy()) - found[f"audio{width}"]).max()
        print(f"audio, {width}: torchopenl3 and openl3 behind torchopenl3's front end differ by {difference:.1e}")
    found["spectra"] = spectra[:, ::8, ::8, 0].numpy()
    path = Path(folder) / "image.h5"
    write_keras(path, filled(openl3.build_image()))
    network = models.load_image_embedding_model_from_path(path, 512)
    found["image"] = network.predict(frames(2, 224, 224, 3) / np.float32(127.5) - 1)
np.savez_compressed(Path(__file__).with_name("openl3.npz"), **found)
