"""Extraction with YAMNet and EfficientNet-Lite0 at 2 and at 8 frames per second, of clips of 10 seconds.

Three things are measured in turn, on the same clips and in the same process, so that the machine's moods hit all:

- Extraction: `seehear.extract` into a store, from the files to the features on disk. Networks are loaded before.
- The networks alone: both run over frames and spectra that lie ready in memory, in whole spans.
- The usual route: the ffmpeg program writes the frames as JPEG files and the audio as a WAV file, Pillow reads and
  resizes the frames, and the same networks run in eager torch with a batch per clip. Without the program, PyAV
  writes the files. Its features differ by what JPEG loses.

The floor is the multiply-adds of both networks at the rate of a large float32 matrix product on all cores.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seehear import networks
from seehear.features.extraction import extract
from seehear.features.segments import Settings, cut_windows, in_batches, spans
from seehear.media.reader import Media
from seehear.networks.session import runtime, thread_count
from seehear.networks.yamnet import spectra
from speed import floors
from speed.row import Row, Size, measured, percent, seconds

DEMO = Path(__file__).parents[2] / "demo"
NAMES = ("yamnet", "efficientnet-lite0")
RATES = (2.0, 8.0)  # frames per second
CLIPS, ROUNDS = 8, 3
GOALS = {8.0: "40× real time", 2.0: ""}
USUAL, SHARE = "4×", "85 %"


def rows(size: Size) -> list[Row]:
    clips = sorted((DEMO / "clips").glob("test_*.mp4"))[:CLIPS]
    found: list[Row] = []
    loaded = {name: networks.load(networks.get(name), "cpu") for name in NAMES}
    usual = UsualRoute(loaded)
    length = sum(Media(clip).duration for clip in clips)
    for fps in RATES:
        ready = prepared(clips, fps)
        jobs = (
            lambda fps=fps: extracted(clips, fps),
            lambda ready=ready: networks_alone(ready, loaded),
            lambda fps=fps: [usual(clip, fps) for clip in clips],
        )
        ours, alone, theirs = (seconds(job, 0.0, ROUNDS) for job in jobs)
        floor = arithmetic(ready, loaded) / floors.arithmetic(size)
        what = f"extraction with both, {fps:g} frames/s"
        speed = f"{length / ours:.1f}× real time"
        found += [
            measured(what, ours, floor, f"usual route {theirs / ours:.1f}×", GOALS[fps] or USUAL, speed),
            Row("  share of it that the networks alone take", percent(alone / ours), goal=SHARE),
        ]
    return [*alone_rows(loaded, size), *found]


def alone_rows(loaded: dict[str, networks.Network], size: Size) -> list[Row]:
    """Each network on samples, without decoding."""
    from seehear.networks.samples import sample

    found = []
    for name, count, per_second in zip(NAMES, (40, 64), (4, 8), strict=True):
        items = sample(networks.get(name).input, count)
        took = seconds(lambda name=name, items=items: loaded[name].features(items))
        floor = count * operations(loaded[name], loaded[name]._front_end(items[:1])) / floors.arithmetic(size)
        rate = f"{count / took:.0f} a second, {count / took / per_second:.0f}× real time"
        found.append(measured(f"{name}, {count} inputs", took, floor, found=rate))
    return found


def extracted(clips: Sequence[Path], fps: float) -> None:
    """Extract the features of clips into a new store."""
    with tempfile.TemporaryDirectory() as folder:
        made = extract(clips, NAMES, fps=fps, store=f"{folder}/store", device="cpu", progress=False)
    assert made.made == len(NAMES) * len(clips)


def prepared(clips: Sequence[Path], fps: float) -> list[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    """Return the spectra (n, 96, 257) and the frames (n, 224, 224, 3) of each span of clips."""
    audio, visual = (networks.get(name) for name in NAMES)
    settings = Settings(fps)
    ready = []
    for clip in clips:
        for span in spans(Media(clip), [audio, visual], settings):
            windows = cut_windows(span, audio.input, settings)
            ready.append((spectra(windows.reshape(-1, windows.shape[-1])), span.frames[visual.input.size]))
    return ready


def networks_alone(
    ready: Sequence[tuple[NDArray[np.float32], NDArray[np.uint8]]], loaded: dict[str, networks.Network]
) -> None:
    """Run both networks over what is ready."""
    front_end = loaded["yamnet"]._front_end
    loaded["yamnet"]._front_end = np.asarray  # its input is ready
    try:
        for pair in ready:
            for name, items in zip(NAMES, pair, strict=True):
                in_batches(loaded[name].features, items, name, networks.get(name).width)
    finally:
        loaded["yamnet"]._front_end = front_end


class UsualRoute:
    """Features as they are usually made: files of frames, and networks in eager torch."""

    def __init__(self, loaded: dict[str, networks.Network]) -> None:
        import torch

        torch.set_num_threads(thread_count())
        teach_spectrograms()
        self._modules = [loaded[name].module().eval() for name in NAMES]
        self._program = shutil.which("ffmpeg")

    def __call__(self, clip: Path, fps: float) -> list[Any]:
        """Return the features of windows and frames of a clip."""
        import torch

        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            (self._by_program if self._program else self._by_pyav)(clip, fps, Path(folder))
            files = sorted(Path(folder).glob("*.jpg"))
            pictures = [np.asarray(Image.open(file).convert("RGB").resize((224, 224))) for file in files]
            with wave.open(f"{folder}/audio.wav") as stream:
                samples = np.frombuffer(stream.readframes(stream.getnframes()), np.int16) / np.float32(32768)
            declared = networks.get("yamnet").input
            starts = np.arange(0, len(samples), round(declared.hop * declared.rate))
            padded = np.pad(samples, (0, declared.samples)).astype(np.float32)
            windows = padded[starts[:, None] + np.arange(declared.samples)]
            batches = (windows, np.stack(pictures))
            return [module(torch.from_numpy(batch)) for module, batch in zip(self._modules, batches, strict=True)]

    def _by_program(self, clip: Path, fps: float, folder: Path) -> None:
        command = [str(self._program), "-loglevel", "error", "-i", str(clip)]
        subprocess.run([*command, "-vf", f"fps={fps:g}", "-q:v", "2", f"{folder}/%05d.jpg"], check=True)
        subprocess.run([*command, "-vn", "-ac", "1", "-ar", "16000", f"{folder}/audio.wav"], check=True)

    def _by_pyav(self, clip: Path, fps: float, folder: Path) -> None:
        with av.open(clip) as container:
            taken = 0
            for frame in container.decode(video=0):
                while float(frame.time or 0) >= taken / fps:
                    frame.to_image().save(folder / f"{taken:05d}.jpg", quality=95)
                    taken += 1
        resampler = av.AudioResampler("s16", "mono", 16000)
        with av.open(clip) as container, wave.open(f"{folder}/audio.wav", "wb") as stream:
            stream.setparams((1, 2, 16000, 0, "NONE", ""))
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    stream.writeframes(part.to_ndarray().tobytes())


def teach_spectrograms() -> None:
    """Let graphs of spectrograms, which nobody trains, become torch modules too."""
    import torch

    from seehear.networks import trainable

    def unsqueeze(_: object, values: Sequence[Any]) -> Callable[[Any], Any]:
        return lambda x: x.unsqueeze(values[0][0])

    trainable.SETTINGS["Unsqueeze"] = (1,)
    trainable.OPERATIONS["Unsqueeze"] = (unsqueeze, frozenset())
    trainable.OPERATIONS["Log"] = (lambda *_: torch.log, frozenset())
    trainable.OPERATIONS["GlobalAveragePool"] = (lambda *_: lambda x: x.mean((2, 3), keepdim=True), frozenset())


def arithmetic(
    ready: Sequence[tuple[NDArray[np.float32], NDArray[np.uint8]]], loaded: dict[str, networks.Network]
) -> float:
    """Return the floating-point operations of both networks on what is ready: two for each multiply-add."""
    items = [sum(len(pair[place]) for pair in ready) for place in range(len(NAMES))]
    one = [operations(loaded[name], pair) for name, pair in zip(NAMES, ready[0], strict=True)]
    return float(np.dot(items, one))


def operations(network: networks.Network, items: NDArray[Any]) -> float:
    """Return the operations of the convolutions and matrix products of a network on one item."""
    from onnx import numpy_helper

    from seehear.networks import onnx_file

    model = onnx_file.read(network._model)
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    products = {
        node.output[0]: constants[node.input[1]]
        for node in model.graph.node
        if node.op_type in ("Conv", "MatMul") and node.input[1] in constants
    }
    for name in products:
        model.graph.output.add(name=name)
    session = runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(list(products), {session.get_inputs()[0].name: items[:1]})
    total = 0.0
    for weight, result in zip(products.values(), results, strict=True):
        total += 2 * result.size * (weight[0].size if weight.ndim == 4 else len(weight))
    return total
