"""How fast features are extracted: YAMNet and EfficientNet-Lite0 at 2 and at 8 frames per second, clips of 10 seconds.

Four things are measured in turn, on the same clips and in the same process, so that the machine's moods hit all:

- Extraction: `seehear.extract` into a store, from the files to the features on disk. Networks are loaded before.
- The networks alone: both run over frames and spectra that lie ready in memory, in whole spans.
- The arithmetic: the multiply-adds of both networks at the rate of a large float32 matrix product on all cores.
- The usual route: the ffmpeg program writes the frames as JPEG files and the audio as a WAV file, Pillow reads and
  resizes the frames, and the same networks run in eager torch with a batch per clip. Without the program, PyAV
  writes the files. Its features differ by what JPEG loses.

Run it with nothing else running: `python benchmarks/extraction.py`. CLIPS=N takes so many clips.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
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

ROOT = Path(__file__).parents[1]
NAMES = ("yamnet", "efficientnet-lite0")
RATES = (2.0, 8.0)  # frames per second
ROUNDS = 3
GOALS = {2.0: "", 8.0: "40× real time"}

Row = tuple[str, str, str]  # what, found, goal


def rows() -> list[Row]:
    """Measure, and return a row per fact: what, found, goal."""
    clips = sorted((ROOT / "demo/clips").glob("test_*.mp4"))[: int(os.environ.get("CLIPS", "8"))]
    rates = [matrix_rate()]
    loaded = {name: networks.load(networks.get(name), "cpu") for name in NAMES}
    usual = UsualRoute(loaded)
    measured = []
    for fps in RATES:
        ready = prepared(clips, fps)
        times = in_turn(
            lambda fps=fps: extracted(clips, fps),  # type: ignore[misc]
            lambda ready=ready: timed(lambda: networks_alone(ready, loaded)),  # type: ignore[misc]
            lambda fps=fps: timed(lambda: [usual(clip, fps) for clip in clips]),  # type: ignore[misc]
        )
        measured.append((fps, times, arithmetic(ready, loaded)))
        rates.append(matrix_rate())
    seconds = sum(Media(clip).duration for clip in clips)
    return [
        row
        for fps, (ours, alone, theirs), total in measured
        for row in (
            (f"extraction at {fps:g} frames per second", f"{seconds / median(ours):.1f}× real time", GOALS[fps]),
            ("  clips per second", f"{len(clips) / median(ours):.1f}", ""),
            ("  against ffmpeg, JPEG files, Pillow and eager torch", f"{median(theirs / ours):.1f}×", "4×"),
            ("  networks alone", f"{seconds / median(alone):.1f}× real time", ""),
            ("  share of it that the networks alone take", f"{100 * median(alone / ours):.0f} %", "85 %"),
            (f"  arithmetic at {max(rates) / 1e9:.0f} GFLOP/s", f"{seconds / total * max(rates):.1f}× real time", ""),
        )
    ]


def in_turn(*jobs: Callable[[], float]) -> NDArray[np.float64]:
    """Return the seconds that each job reports, (jobs, ROUNDS), after a round that doesn't count."""
    return np.array([[job() for job in jobs] for _ in range(ROUNDS + 1)])[1:].T


def median(values: NDArray[np.float64]) -> float:
    """Return the median, of seconds or of the ratios within each round."""
    return float(np.median(values))


def timed(job: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def extracted(clips: Sequence[Path], fps: float) -> float:
    """Return the seconds that it takes to extract the features of clips into a new store."""
    with tempfile.TemporaryDirectory() as folder:
        made = extract(clips, NAMES, fps=fps, store=f"{folder}/store", device="cpu", progress=False)
    assert made.made == len(NAMES) * len(clips)
    return made.seconds


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


def matrix_rate(size: int = 2048) -> float:
    """Return the operations per second of a large product of float32 matrices: the best of eight."""
    import torch

    torch.set_num_threads(thread_count())
    a, b = torch.randn(2, size, size)
    return 2 * size**3 / min(timed(lambda: a @ b) for _ in range(8))


def main() -> None:
    """Print the rows as a table."""
    from seehear.results import table

    print(table([("", "found", "goal"), *rows()]))


if __name__ == "__main__":
    main()
