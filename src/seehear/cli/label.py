"""seehear label: a page on which a person gives clips their labels."""

from __future__ import annotations

import signal
import threading
import warnings
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear import arguments
from seehear.progress import say
from seehear.results import Result, counted

if TYPE_CHECKING:
    from seehear.labelling.session import Session, Summary

PATIENCE = 2.0  # seconds: what takes longer to end is said


@dataclass
class Labelled(Result):
    """What was labelled, once the page was closed."""

    folder: Path
    summary: Summary
    round: str = ""

    def text(self) -> str:
        """Return what is labelled, what is left, and what the last round gained."""
        of = self.summary
        lines = [
            f"{of.labelled} of {counted(of.clips, 'clip')} labelled, {of.left} left; {of.random} of the labelled ones "
            f"were drawn by chance ({self.folder / 'val.csv'}), {of.nothing} have none of the classes",
            *(f"  {label}: {counted(count, 'clip')}" for label, count in of.classes.items()),
        ]
        return "\n".join([*lines, *filter(None, [self.round])])

    def as_json(self) -> Any:
        """Return the same as values."""
        return {"folder": str(self.folder), **asdict(self.summary), "left": self.summary.left, "round": self.round}


def label(
    clips: Sequence[str | Path],
    *,
    out: str | Path,
    classes: Sequence[str] = (),
    run: str | Path | None = None,
    parsed: str | Path | None = None,
    no_suggestions: bool = False,
    by: str | None = None,
    every: int = 5,
    seed: int = 0,
    port: int = 0,
    open: bool = False,
    trust_code: bool = False,
    device: str = "auto",
) -> Labelled:
    """Label clips on a page in your browser, by keyboard, until Ctrl-C is pressed.

    The address that is printed holds a token: only who has it can open the page. Only this computer can reach it. Every
    change is saved at once. Resume by rerunning the same command.

    Writes OUT/weak.csv, OUT/train.csv and OUT/val.csv, weak tables; OUT/audio.csv and OUT/visual.csv, dense tables of
    drawn events; OUT/modalities.csv; OUT/clips.csv; OUT/refined, for `seehear train --refined`; and OUT/changes.jsonl,
    a log of every change.

    Args:
        clips: Media files, or folders that are searched for them. Behind a file, #t=30,40 names seconds 30 to 40 of it
            as a clip.
        out: The folder of the labels; made if it does not exist.
        classes: Classes to choose from, several with commas between. More can be added on the page.
        run: A run folder or a package, whose suggestions are offered, and which is scored on the clips drawn by chance.
        parsed: A folder that `seehear parse` wrote, instead of a run.
        no_suggestions: Suggest nothing. Without a run or parsed clips, what the networks' own classifiers hear and see
            is suggested otherwise.
        by: Your name, for the log; by default the user of this system.
        every: One clip in so many is drawn by chance; only these validate.
        seed: Of the draw. Keep it for a folder of labels.
        port: Port of the address; 0 for the first free one from 8000 on.
        open: Open the address in a browser.
        trust_code: Run networks of your own (FILE.py:NAME) that the run names. Only for runs whose author you trust.
        device: auto, cpu or cuda.

    Returns:
        What is labelled, once the page was closed.
    """
    from seehear.errors import SeehearError
    from seehear.labelling.app import open_server
    from seehear.labelling.session import Session
    from seehear.labelling.suggestions import ParseSuggester, of_parsed

    if sum((run is not None, parsed is not None, no_suggestions)) > 1:
        raise SeehearError("give one of --run, --parsed and --no-suggestions")
    session = Session(out, clips, classes=arguments.names(classes), by=by, every=every, seed=seed)
    suggester = None
    if run is not None:
        suggester = ParseSuggester.of_run(run, device=device, trust_code=trust_code)
    elif parsed is not None:
        suggester = of_parsed(parsed)
    elif not no_suggestions:
        try:
            suggester = ParseSuggester.untrained(session.classes, device=device)
        except SeehearError as error:  # your classes can be labelled all the same
            say(f"no suggestions: {error}")
        else:
            if session.classes and suggester.unmapped:
                say(f"not suggested: {suggester.unmapped}; no class of the networks' classifiers means it")
    session.suggest_by(suggester)
    server = open_server(session, suggester, port=port)
    for problem in session.unusable.values():
        say(problem)
    with warnings.catch_warnings(), suppress(KeyboardInterrupt):  # also before the server runs
        warnings.filterwarnings("ignore", "coroutine .* was never awaited")
        say(f"label {counted(len(session.clips), 'clip')} at {server.address} until Ctrl-C is pressed")
        if open:
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True, name="browser").start()
        server.run()
    with _ending(session):
        gain = session.rounds.last()
        return Labelled(Path(out), session.summary(), str(gain) if gain else "")


@contextmanager
def _ending(session: Session) -> Iterator[None]:
    """Stop the work in the background. If it takes long, say so: this process ends with the clip at hand.

    Ctrl-C that is pressed twice does not keep the summary from being printed. Later it ends the process at once: all is
    saved by then, and a network that is at work would turn an exception into an abort.
    """
    if threading.current_thread() is not threading.main_thread():
        session.stop()
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended = False
    try:
        ended = session.stop(PATIENCE)
        if not ended:
            say("everything is saved. The clip that is being computed is finished first; Ctrl-C ends at once")
        yield
    finally:
        signal.signal(signal.SIGINT, before if ended else signal.SIG_DFL)
