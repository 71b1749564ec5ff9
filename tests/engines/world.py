"""Small clips, some of them dangerous, and a network of one's own, in files that other processes can read."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engines import own_network
from make_media import tone, write
from seehear.features.extraction import extract
from seehear.features.store import Store

NAME = "tones"
COUNT = 12
DANGEROUS = {"kills": own_network.KILL, "crashes": own_network.CRASH, "eats": own_network.EAT}


class World:
    """Clips of a second, a network, and the store that one process fills."""

    def __init__(self, folder: Path) -> None:
        self.clips, self.dangerous, self.store = folder / "clips", folder / "dangerous", folder / "store"
        self._network = folder / "own_network.py"
        for n in range(COUNT):
            sounding(self.clips / f"clip{n:02}.wav", 100 + 10 * n)
        for name, hertz in DANGEROUS.items():
            sounding(self.dangerous / f"{name}.wav", hertz)
        shutil.copy(own_network.__file__, self._network)
        extract(self.clips, self.network, store=self.store, progress=False)
        self.undisturbed = content(self.store)

    @property
    def network(self) -> str:
        """How commands name the network."""
        return f"{self._network}:heard"

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Let the network take its time for each clip."""
        pause = self._network.with_name("pause")
        pause.write_text(f"{seconds}")
        try:
            yield
        finally:
            pause.unlink()


def sounding(path: Path, hertz: float) -> Path:
    return write(path, sound=tone(hertz, 1.0, own_network.RATE), rate=own_network.RATE, sound_codec="pcm_f32le")


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones included."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def wait_for_some(store: Path, count: int) -> None:
    """Wait until a store holds some clips."""
    while len(list(store.rglob("*.safetensors"))) < count:
        time.sleep(0.01)


def accounted(extraction, store: Path, *folders: Path) -> set[str]:
    """Check that each clip was made, or left out with a reason, and that the store holds exactly the made ones."""
    made = set(extraction)
    assert made | set(extraction.failed) == {file.stem for folder in folders for file in folder.iterdir()}
    assert not made & set(extraction.failed)
    assert all(extraction.failed.values())
    assert extraction.made + extraction.unchanged == len(made)
    kept = Store(store)
    assert kept.clips(NAME) == made
    for clip in made:
        assert kept.read(NAME, clip).shape == (1, 2)
    return made
