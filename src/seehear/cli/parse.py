"""seehear parse: new clips into events heard, seen and both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from seehear.cli.follow import follow as follow_stream
from seehear.cli.options import AS_TRAINED, HERE, NO_TRUTH, DecodingOptions, EngineOptions, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result

if TYPE_CHECKING:
    from seehear.decoding import Decoding
    from seehear.parsing.base import FileParser
    from seehear.parsing.untrained import Untrained

Figure = Literal["html", "png", "svg"]
PAGES: tuple[Figure, ...] = ("html",)


@Parameter(name="*")
@dataclass(frozen=True)
class UntrainedOptions:
    """Classes that nothing was trained on: those of the networks' own classifiers.

    Attributes:
        classes: Your own words, several with commas between them; or a table that `seehear classes` wrote. Without a
            run, the classes of AudioSet and ImageNet by default.
        untrained: Beside the classes of a run, parse those of AudioSet and ImageNet. `--classes` parses your own words
            beside them.
        background: Clips in which none of your classes occurs: thresholds come from them. By default clips that come
            with seehear.
        false_alarm_share: Share of the background's seconds in which each class may be found; .01 by default.
        networks: MODALITY=NETWORK, with a classifier of AudioSet or ImageNet.
    """

    classes: Sequence[str] = ()
    untrained: bool = False
    background: Sequence[str | Path] = ()
    false_alarm_share: float | None = None
    networks: Sequence[str] = ()

    def parser(self, device: str) -> Untrained:
        """Return the parser."""
        from seehear.arguments import collocation
        from seehear.parsing.untrained import FALSE_ALARM_SHARE, Untrained

        return Untrained(
            self.classes or None,
            networks={name: only for name, (only, *_) in collocation(self.networks).items()} if self.networks else None,
            background=self.background or None,
            false_alarm_share=FALSE_ALARM_SHARE if self.false_alarm_share is None else self.false_alarm_share,
            device=device,
        )


TRAINED_ONLY = UntrainedOptions()


def parse(
    run: str | Path,
    clips: Sequence[str | Path] = (),
    *,
    follow: bool = False,
    stall: float | None = None,
    out: str | Path | None = None,
    untrained: UntrainedOptions = TRAINED_ONLY,
    ensemble: bool = False,
    audio_track: int | None = None,
    truth: TruthOptions = NO_TRUTH,
    figures: Annotated[Sequence[Figure], Parameter(name=["--figures", "--pictures"])] = PAGES,
    embed: bool = False,
    decoding: DecodingOptions = AS_TRAINED,
    trust_code: bool = False,
    engine: EngineOptions = HERE,
    device: str = "auto",
) -> Result:
    """Parse clips of any length into events: class, modality, onset, offset, confidence.

    With a run, by its trained model: `seehear parse RUN clip.mp4`. Without one, by what the networks' own classifiers
    hear and see: `seehear parse clip.mp4`, or in your own words, `seehear parse clip.mp4 --classes Dog,Speech`. Such
    events are marked as untrained.

    With --out, writes OUT/<clip>.json and a page that plays the clip; with --figures png a figure of it too.
    OUT/index.html leads to the pages and finds clips by their events. OUT/audio.csv, OUT/visual.csv and
    OUT/audio_visual.csv are dense tables of all clips in the folder. Resume by rerunning the same command.

    With --follow, parses a stream while it grows, and prints one JSON object per line as soon as it is known: a file
    that is being written, standard input (-), a named pipe, or an address (rtsp://…, https://…).

    Clips longer than those of training are parsed in windows of the training length that overlap by half.
    A clip without an audio or a video track is parsed by what it has.

    Args:
        run: A run folder; with --ensemble, a folder of several seeds (RUN/seed-N); or a package, such as
            model.seehear. To parse without training, leave it out: the first of the clips stands here then.
        clips: Media files, or folders that are searched for them. Behind a file, #t=30,40 names seconds 30 to 40 of it
            as a clip.
        follow: Parse one stream until it ends, until it stalls, or until Ctrl-C. Nothing is written into a folder.
        stall: With --follow, seconds without anything new after which the stream is given up; 30 by default.
        out: The folder to write into; made if it does not exist. By default events are only printed.
        untrained: Classes of the networks' own classifiers.
        ensemble: Parse with the mean of the probabilities of all seeds.
        audio_track: Which of the audio tracks of each clip, from 1; by default the one that players choose.
        truth: Per-second ground truth, to show with the events.
        figures: What to draw of each clip: html, a page that plays it; png and svg, a figure, which takes a second per
            clip.
        embed: Put the media files into their pages, so that a page can be sent to others alone.
        decoding: How probabilities become events.
        trust_code: Run networks of your own (FILE.py:NAME) that the run names. Only for runs whose author you trust.
        engine: Where clips are parsed. On a cluster, clips, run and --out are to be seen under the same paths
            everywhere.
        device: auto, cpu or cuda.

    Returns:
        The events of each clip, the notes on clips, and the clips that failed.
    """
    from seehear.arguments import paths
    from seehear.media import child
    from seehear.packaged.archive import is_package
    from seehear.training.runs import holds_run

    if not follow:
        child.start()  # while this process imports what it needs
    from seehear.parsing.batch import parse_clips

    chosen: FileParser
    given = decoding.decoding()
    _check_drawing(figures, embed, out)
    if stall is not None and not follow:
        raise SeehearError("--stall is for streams: give --follow too, or leave it out")
    if packages := [each for each in paths(clips) if is_package(each)]:
        raise SeehearError(f"{packages[0]}: is a package; name it first, and then the clips to parse with it")
    if ensemble or is_package(run) or holds_run(run):
        if not clips:
            raise SeehearError(f"{run}: is a run; name clips to parse with it after it")
        chosen = _trained(run, untrained, given, ensemble, trust_code, device)
    else:
        chosen, clips = untrained.parser(device), (run, *clips)
        if given is not None and decoding.filter is None:
            given = replace(given, filter="none")  # the clip filter is for models that were trained with it
    if follow:
        _check_follow(clips, out, truth, engine)
        return follow_stream(chosen, clips[0], given, audio_track, stall)
    return parse_clips(
        chosen,
        clips,
        out=out,
        truth=truth.tables(),
        decoding=given,
        audio_track=audio_track,
        figures=figures,
        embed=embed,
        **engine.chosen(),
    )


def _check_drawing(figures: Sequence[Figure], embed: bool, out: str | Path | None) -> None:
    """Raise SeehearError for pages and figures that would go nowhere."""
    if out is None and (embed or tuple(figures) != PAGES):
        raise SeehearError(
            "pages and figures are written into a folder: give --out, or leave --figures and --embed out"
        )


def _check_follow(
    clips: Sequence[str | Path], out: str | Path | None, truth: TruthOptions, engine: EngineOptions
) -> None:
    """Raise SeehearError for what can't be used with --follow."""
    if len(clips) != 1:
        raise SeehearError(f"--follow parses one stream at a time, not {len(clips)}: run one command for each")
    unfit = {"--out": out is not None, "ground truth": truth != NO_TRUTH, "--engine and --workers": engine != HERE}
    for name, given in unfit.items():
        if given:
            raise SeehearError(f"--follow prints events alone: leave out {name}; parse the recording later for more")


def _trained(
    run: str | Path,
    untrained: UntrainedOptions,
    decoding: Decoding | None,
    ensemble: bool,
    trust_code: bool,
    device: str,
) -> FileParser:
    """Return the parser of a run, with untrained classes beside its own if there are any to be parsed."""
    from seehear.parsing.parser import Parser, load

    parser = load(run, ensemble=ensemble, device=device, decoding=decoding, trust_code=trust_code)
    if untrained == TRAINED_ONLY:
        return parser
    if not isinstance(parser, Parser):
        raise SeehearError(f"{run}: a package parses its own classes alone: leave the options of untrained classes out")
    return parser.with_untrained(untrained.parser(device))
