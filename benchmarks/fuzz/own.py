"""Files that seehear writes and reads back: stores, features, packs, run folders, parsed clips, markers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.target import Target

CLIPS = 12
RECIPE = Path(__file__).parents[2] / "src/seehear/training/recipes/refined.toml"
TINY = {"epochs": 2, "width": 8, "feed_forward": 8, "heads": 1, "patience": 0, "batch": 6}


# Sound files


def store(folder: Path) -> None:
    """A store of two networks with silence, a network without it, and label tables."""
    from seehear.features.store import Origin, Store
    from training.conftest import World

    world = World(folder, clips=CLIPS)
    kept = Store(world.store)
    for clip in sorted(kept.clips("ears")):
        silent = np.array([False, True, False, False, False])
        kept.write("ears", Origin(clip, "made", clip, 100, 1), kept.read("ears", clip), silent)
    _dataset(folder).packs()


def blocks(folder: Path) -> None:
    """The same with blocks of clips, some of which replace features of others."""
    from seehear.features.store import Store

    store(folder)
    files = Store(folder / "store")
    with Store(folder / "blocks", create=True, block=CLIPS // 2) as kept:
        for network, info in files.networks().items():
            kept.register(info)
            for clip in sorted(files.clips(network)):
                stored = files.stored(network, clip)
                kept.write(network, stored.origin, stored.features, stored.silent)
            kept.write(network, stored.origin, stored.features + 1, stored.silent)
    shutil.rmtree(folder / "store")
    (folder / "blocks").rename(folder / "store")
    _dataset(folder).packs()


def arrays(folder: Path) -> None:
    """A folder of .npy files."""
    for n in range(3):
        rows = np.random.default_rng(n).normal(size=(10, 8)).astype((np.float32, np.float64, np.float32)[n])
        (folder / "features").mkdir(exist_ok=True)
        np.save(folder / "features" / f"clip{n}.npy", rows)


def runs(folder: Path) -> None:
    """A trained run with teachers, one that was stopped half-way, and the store that they learnt from."""
    import seehear as sh

    store(folder)
    data = _dataset(folder)
    sh.train(data, data, recipe="refined", out=folder / "run", device="cpu", progress=False, **TINY)
    done = folder / "run" / "done"  # as earlier versions wrote it: the weights' hash would hide what else is noticed
    done.write_text(done.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    plain = {"recipe": "paper", "out": folder / "stopped", "device": "cpu", "progress": False}
    from seehear.training import fit

    kept, fit.SAVE_EVERY = fit.SAVE_EVERY, 0.0

    class Stop(Exception):
        pass

    def stop(self: Any, rule: str, history: Any) -> None:
        raise Stop

    from seehear.training.runs import Run

    finish, Run.finish = Run.finish, stop  # type: ignore[method-assign]
    try:
        sh.train(data, data, **plain, **TINY)
    except Stop:
        pass
    finally:
        fit.SAVE_EVERY, Run.finish = kept, finish  # type: ignore[method-assign]


def parsed(folder: Path) -> None:
    """A folder of parsed clips with ground truth, and its exports."""
    from seehear.parsing.clip import ParsedClip, ParsedEvent
    from seehear.parsing.folder import write

    modalities = ("audio", "visual", "audio_visual")
    for n in range(3):
        events = tuple(ParsedEvent("Dog", name, 1.0, 2.0 + n, 0.75) for name in modalities)
        truth = (ParsedEvent("Dog", "audio", 1.0, 2.0, 1.0), ParsedEvent("Cat", "visual", 0.0, 2.0, 1.0))
        probabilities = {name: {"Dog": [0.1, 0.9, 0.8, 0.7, 0.2]} for name in modalities[:2]}
        clip = ParsedClip(
            f"clip{n}", str(folder / f"clip{n}.mp4"), 5.0, 1.0, modalities, "global,clip0.5,seg0.5", events,
            probabilities, truth if n else None, ("Cat", "Dog"), absent=("visual",) if n == 2 else (),
        )  # fmt: skip
        write(clip, folder / "parsed", made_by="0123456789abcdef")
    _export(folder)


def settings(folder: Path) -> None:
    """A recipe, an experiment, thresholds, results of a reproduction, markers."""
    from seehear.paper.experiment import shipped_experiments

    shutil.copy(RECIPE, folder / "recipe.toml")
    for name in ("table1", "figure5"):
        shutil.copy(shipped_experiments()[name], folder / f"{name}.toml")
    thresholds = [
        {"filter": "global", "segment": 0.4, "clip": {"Dog": 0.3, "Cat": 0.2}},
        {"segment": {"by_modality": {"audio": 0.2, "visual": {"Dog": 0.4}}}, "clip": 0.5},
    ]
    for n, value in enumerate(thresholds):
        (folder / f"thresholds{n}.json").write_text(json.dumps(value))
    given = {"store": "s", "weak": {"train": "t"}, "recipe": {"epochs": 3}, "seeds": [0, 1]}
    (folder / "table1.json").write_text(json.dumps({"rows": [1, 2], "settings": given}))
    (folder / "generated").mkdir()
    marker = {"dataset": "llp", "seed": 0, "strength": 1.0, "tables": "abc"}
    from seehear.datasets.generated import MARKER

    (folder / "generated" / MARKER).write_text(json.dumps(marker))
    from seehear.parsing.batch import MARKER as PARSED

    (folder / "parsed").mkdir()
    (folder / "parsed" / PARSED).write_text(json.dumps({"run": "0" * 64, "decoding": "global,clip0.5,seg0.5"}))


def refined(folder: Path) -> None:
    """A folder of refined labels, and the store that they belong to."""
    import seehear as sh

    store(folder)
    sh.refine(_dataset(folder), explain=False).save(folder / "refined")


def weights(folder: Path) -> None:
    """Weights of a small network, in both formats of torch, and the whitening of VGGish."""
    import torch
    from safetensors.torch import save_file

    from seehear.networks.vggish import WIDTH

    state = _module().state_dict()
    torch.save(state, folder / "weights.pt")
    save_file(state, folder / "weights.safetensors", metadata={"format": "pt"})
    rng = np.random.default_rng(0)
    np.savez(folder / "whitening.npz", pca_eigen_vectors=rng.normal(size=(WIDTH, WIDTH)), pca_means=np.zeros(WIDTH))


# Readers


def _dataset(folder: Path) -> Any:
    from seehear.data import Dataset

    return Dataset.from_tables(
        folder / "labels.csv",
        store=folder / "store",
        collocation={"audio": "ears", "visual": "eyes"},
        truth={name: folder / f"{name}.csv" for name in ("audio", "visual")},
    )


def read_store(folder: Path, file: Path) -> None:
    """Open a store, list what it holds, read features, pack them."""
    from seehear.features.npy import export_features
    from seehear.features.store import NetworkInfo, Store

    kept = Store(folder / "store")
    kept.networks()
    kept.register(NetworkInfo("eyes", "visual", 8, "made"))
    for clip in sorted(kept.clips("ears", "eyes")):
        kept.origin("ears", clip)
        kept.is_current("ears", clip, "made", file)
        kept.silent("ears", clip)
    _dataset(folder).packs()
    export_features(folder / "exported", store=folder / "store", network="ears", progress=False)


def read_pack(folder: Path, file: Path) -> None:
    """Use packed features."""
    data = _dataset(folder)
    for packs in data.packs().values():
        for pack in packs:
            assert pack.rows.dtype == np.float32, "features of another type were accepted"
    assert data.lengths.sum() == CLIPS * 5, "other segments than the features have"
    data.silent.sum()


def read_arrays(folder: Path, file: Path) -> None:
    """Import a folder of .npy files."""
    from seehear.features.npy import import_features
    from seehear.features.store import Store

    for frames in (1, 5):
        out = folder / f"store{frames}"
        options = {"network": "given", "modality": "audio", "frames": frames, "progress": False}
        import_features(folder / "features", store=out, **options).text()
        kept = Store(out)
        for clip in sorted(kept.clips("given")):
            rows = kept.read("given", clip)
            assert rows.ndim == 2, "wrong shape"
            assert np.isfinite(rows).all(), "features that are not finite were accepted"


def read_run(folder: Path, file: Path) -> None:
    """Open a run, use its model and teachers."""
    from seehear.parsing.parser import load
    from seehear.training.runs import Run, find_runs

    find_runs([folder / "run"])
    run = Run(folder / "run")
    repr(run), run.identity, run.chosen, run.decoding, run.facts.as_json(), run.history()
    data = _dataset(folder)
    parser = load(folder / "run", device="cpu")
    run.check_networks(data.source.networks(), data.segment, "store")
    parser.predict(data)
    if (teachers := run.teachers()) is not None:
        teachers.predict(data)
        repr(teachers.decoding)


def resume_run(folder: Path, file: Path) -> None:
    """Resume a training."""
    import seehear as sh

    data = _dataset(folder)
    options = {"recipe": "paper", "out": folder / "stopped", "device": "cpu", "progress": False}
    sh.train(data, data, **options, **TINY)


def read_parsed(folder: Path, file: Path) -> None:
    """Read parsed clips, export them, index them, serve them."""
    from seehear import pages
    from seehear.pages.server import Site
    from seehear.parsing.folder import read, read_folder

    Site(folder).search()
    clips, damaged = read_folder(folder / "parsed")
    is_parse = file.read_bytes().lstrip().startswith(b'{\n "format"')  # other JSON in the folder is nobody's business
    assert len(clips) + len(damaged) == 3 or not is_parse, "a clip was passed over in silence"
    pages.folder.write(clips, folder / "parsed")
    clip = read(file) if file.name.startswith("clip") else clips[0]
    repr(clip), clip.to_frame(), clip.to_frame(true=True)
    _export(folder)


def _export(folder: Path) -> None:
    from seehear.formats.writing import export

    formats = "webvtt,audacity,elan,csv,dense,activitynet,edl,otio,label-studio"
    export(folder / "parsed", out=folder / "exported", formats=formats, frame_rate=25)


def read_thresholds(folder: Path, file: Path) -> None:
    """Use a file of thresholds."""
    from seehear.cli.options import DecodingOptions
    from seehear.decoding import Probabilities

    decoding = DecodingOptions(thresholds=file).decoding()
    repr(decoding), str(decoding), decoding.as_json()
    decoding(Probabilities.of_segments(np.zeros((1, 3, 2, 2), np.float32)), ("Cat", "Dog"), ("audio", "visual"))


def read_recipe(folder: Path, file: Path) -> None:
    """Load a recipe and build its model."""
    from seehear.features.store import NetworkInfo
    from seehear.training.recipe import load_recipe
    from seehear.training.runs import MemoryRun, RunFacts

    recipe = load_recipe(file)
    repr(recipe)
    infos = {"audio": [NetworkInfo("a", "audio", 8, "x")], "visual": [NetworkInfo("v", "visual", 8, "x")]}
    MemoryRun(RunFacts(recipe, 0, infos, ("Cat", "Dog"), 1.0, 10, {})).new_model()


def read_experiment(folder: Path, file: Path) -> None:
    """Load an experiment."""
    from seehear.paper.experiment import load_experiment

    repr(load_experiment(file))


def read_markers(folder: Path, file: Path) -> None:
    """Compare what markers and earlier results say with what is wanted now."""
    from types import SimpleNamespace

    from seehear.datasets.generated import _claim
    from seehear.decoding import Decoding
    from seehear.paper.reproduction import _replaced
    from seehear.parsing.batch import _Job

    if file.parent.name == "generated":
        _claim(file.parent, {"dataset": "llp", "seed": 0, "strength": 1.0, "tables": "abc"}, ())
    elif file.parent.name == "parsed":
        parser: Any = SimpleNamespace(modalities=("audio", "visual"))
        job = _Job(parser, Decoding(), file.parent, {}, (), False, None)
        job.__dict__["_identity"] = "0" * 64
        job.claim()
    else:
        _replaced(file, {"store": "s", "weak": {"train": "t"}, "recipe": {"epochs": 2}, "seeds": [0]})


def read_refined(folder: Path, file: Path) -> None:
    """Read refined labels."""
    from seehear.refinement.folder import read

    read(folder / "refined", _dataset(folder))


def read_weights(folder: Path, file: Path) -> None:
    """Load weights into a network."""
    from seehear.networks.torch_network import load_state
    from seehear.networks.vggish import read_whitening
    from seehear.networks.weights import read_state_dict

    if file.suffix == ".npz":
        read_whitening(file)
        return
    load_state(_module(), file, "tiny")
    if file.suffix == ".pt":
        read_state_dict(file)


def _module() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))


TARGETS = (
    Target("store.json", store, ("store/store.json",), read_store, writes=True),
    Target("network.json", store, ("store/*/network.json",), read_store, writes=True),
    Target("features", store, ("store/e*/??/clip0*.safetensors",), read_store, writes=True),
    Target("blocks", blocks, ("store/e*/blocks/*.safetensors",), read_store, writes=True),
    Target("pack-array", store, ("store/packed/*.npy",), read_pack, writes=True),
    Target("pack-index", store, ("store/packed/*.safetensors",), read_pack, writes=True),
    Target("npy", arrays, ("features/*.npy",), read_arrays, writes=True, share=2),
    Target("run.json", runs, ("run/run.json",), read_run, share=2),
    Target("history.json", runs, ("run/history.json",), read_run),
    Target("model", runs, ("run/model.safetensors",), read_run),
    Target("teachers", runs, ("run/teachers.safetensors",), read_run),
    Target("checkpoint", runs, ("stopped/checkpoint.safetensors",), resume_run, writes=True, seconds=30, share=0.7),
    Target("stopped-run", runs, ("stopped/*.json",), resume_run, writes=True, seconds=30, share=0.7),
    Target("parsed-clip", parsed, ("parsed/clip*.json",), read_parsed, writes=True, share=2),
    Target("export-marker", parsed, ("exported/.*",), read_parsed, writes=True, share=0.3),
    Target("thresholds", settings, ("thresholds*.json",), read_thresholds),
    Target("recipe", settings, ("recipe.toml",), read_recipe, share=1.5),
    Target("experiment", settings, ("table1.toml", "figure5.toml"), read_experiment),
    Target("markers", settings, ("generated/.*", "generated/*", "parsed/.*", "table1.json"), read_markers),
    Target("refinement.json", refined, ("refined/refinement.json",), read_refined, share=0.5),
    Target("refined-tables", refined, ("refined/*.csv",), read_refined, share=0.5),
    Target("network-weights", weights, ("*",), read_weights),
)
