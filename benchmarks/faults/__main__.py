"""python -m faults: kill, crowd and starve commands, run them again, and compare with undisturbed ones.

A round disturbs one command in a new folder, runs the same command again, and looks at what is left: stray files, lost
files, files of other content. Rounds are kept in OUT/rounds.json, so a rerun resumes; OUT/table.md has the table.

    rename     killed right before or after it renames a file, at each of its renames in turn
    moment     killed at a random moment
    writers    two or four of it at once into one folder, of which some are killed
    full       on a disk that is full on the way (root only)
    read-only  on a disk that can only be read (root only)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # make_media

from faults.content import Difference, content
from faults.server import Ended, Job, Server
from faults.world import COMMANDS, Command, make

FULL = "the disk is full"
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the room that a command needs
PAGE = 4096  # bytes: what a file on a small disk takes at least


@dataclass(frozen=True)
class Round:
    """What came out of one round.

    Attributes:
        command: Its name.
        fault: Kind of fault.
        kills: How many processes were killed.
        message: Whether every process that was not killed ended well or with a message.
        again: Exit code of the command that was run again; the first that is not as it is undisturbed.
        strays: Files that should not be there.
        lost: Files that are missing.
        differing: Files of other content.
        note: What was odd.
    """

    command: str
    fault: str
    kills: int
    message: bool
    again: bool
    strays: tuple[str, ...]
    lost: tuple[str, ...]
    differing: tuple[str, ...]
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was lost and nothing was left."""
        return self.message and self.again and not (self.strays or self.lost or self.differing)


class Campaign:
    """Rounds of faults in a folder."""

    def __init__(self, out: Path, server: Server, seed: int) -> None:
        self.out, self.server, self.seed = out, server, seed
        self.world = out / "world"
        self._file = out / "rounds.json"
        self.rounds: dict[str, Round] = {}
        if self._file.exists():
            self.rounds = {key: Round(**facts) for key, facts in json.loads(self._file.read_text("utf-8")).items()}

    def round(self, key: str, do: Callable[[], Round]) -> None:
        """Do a round unless it was done, and keep it."""
        if key in self.rounds:
            return
        self.rounds[key] = do()
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps({name: asdict(each) for name, each in self.rounds.items()}, indent=1), "utf-8")
        part.replace(self._file)
        if not self.rounds[key].good:
            print(f"{key}: {self.rounds[key]}", flush=True)

    def place(self, command: Command) -> Path:
        """Return a new folder for a round, with what the command changes."""
        place = self.out / "place"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        self.fill(command, place)
        return place

    def fill(self, command: Command, place: Path) -> None:
        """Copy what a command changes into a folder."""
        for name in command.copies:
            shutil.copytree(self.world / name, place / name)

    def job(self, command: Command, place: Path, part: int = 0, of: int = 1) -> Job:
        """Return the command line of a part, undisturbed."""
        return Job(command.line(self.world, place, part, of), str(self.out / f"log-{part}"))


@dataclass(frozen=True)
class Undisturbed:
    """A command as it is when nothing happens.

    Attributes:
        files: What it leaves; see `content`.
        varying: Files whose content differs from run to run.
        code: Its exit code.
        renames: How many files it renames.
        seconds: That it takes.
        room: Bytes that it writes.
    """

    files: dict[str, str]
    varying: frozenset[str]
    code: int
    renames: int
    seconds: float
    room: int


def undisturbed(campaign: Campaign, command: Command, runs: int = 2) -> Undisturbed:
    """Run a command several times and return what it does."""
    found = []
    for _ in range(runs):
        place = campaign.place(command)
        before = _room(place)
        began = time.monotonic()
        (ended,) = campaign.server.run([campaign.job(command, place)])
        seconds = time.monotonic() - began
        assert ended.code in (0, 1), ended.text
        assert "Traceback" not in ended.text, ended.text
        (again,) = campaign.server.run([campaign.job(command, place)])
        assert again.code == ended.code, again.text
        found.append(content(place))
    first, second = found[0], found[-1]
    varying = frozenset(name for name in first.keys() & second.keys() if first[name] != second[name])
    varying |= frozenset(command.timed)
    assert first.keys() == second.keys(), first.keys() ^ second.keys()
    return Undisturbed(first, varying, ended.code, ended.renames, seconds, _room(place) - before)


def _room(folder: Path) -> int:
    return sum(-(-file.stat().st_size // PAGE) * PAGE + PAGE for file in folder.rglob("*") if file.is_file())


def finished(
    campaign: Campaign, command: Command, usual: Undisturbed, place: Path, fault: str, ended: list[Ended], of: int = 1
) -> Round:
    """Run the same command again, and return what is left."""
    good = True
    note = ""
    for part in range(of):
        (again,) = campaign.server.run([campaign.job(command, place, part, of)])
        if again.code != usual.code or "Traceback" in again.text:
            good, note = False, again.text[-600:]
    left = Difference.between(content(place), usual.files, usual.varying)
    silent = [each for each in ended if not each.killed and (each.code not in (0, 1) or "Traceback" in each.text)]
    note = silent[0].text[-600:] if silent else note
    kills = sum(each.killed for each in ended)
    return Round(command.name, fault, kills, not silent, good, left.strays, left.lost, left.differing, note)


def at_renames(campaign: Campaign, command: Command, usual: Undisturbed, limit: int) -> None:
    """Kill a command at its renames, evenly spread over at most `limit` of them, before and after each."""
    count = min(limit, usual.renames)
    numbers = sorted({1 + round(n * (usual.renames - 1) / max(1, count - 1)) for n in range(count)})
    for number in numbers:
        for after in (False, True):

            def do(number: int = number, after: bool = after) -> Round:
                return at_rename(campaign, command, usual, number, after)

            campaign.round(f"{command.name}, rename {number} {'after' if after else 'before'}", do)


def at_rename(campaign: Campaign, command: Command, usual: Undisturbed, number: int, after: bool) -> Round:
    """Kill a command before or after a rename, counted from 1."""
    place = campaign.place(command)
    job = campaign.job(command, place)
    job.rename, job.after = number, after
    ended = campaign.server.run([job])
    return finished(campaign, command, usual, place, "rename", ended)


def at_moments(campaign: Campaign, command: Command, usual: Undisturbed, limit: int) -> None:
    """Kill a command at random moments."""
    for number in range(limit):

        def do(number: int = number) -> Round:
            drawn = random.Random(f"{campaign.seed} {command.name} {number}")
            place = campaign.place(command)
            job = campaign.job(command, place)
            job.seconds = drawn.uniform(0.01, usual.seconds)
            ended = campaign.server.run([job])
            return finished(campaign, command, usual, place, "moment", ended)

        campaign.round(f"{command.name}, moment {number} of seed {campaign.seed}", do)


def crowded(campaign: Campaign, command: Command, usual: Undisturbed, limit: int) -> None:
    """Run two and four of a command at once: undisturbed, with one that is killed, with all but one killed."""
    for number in range(limit):
        for writers in (2, 4):
            for doomed in sorted({0, 1, writers - 1} if number == 0 else {1, writers - 1}):

                def do(number: int = number, writers: int = writers, doomed: int = doomed) -> Round:
                    drawn = random.Random(f"{campaign.seed} {command.name} {writers} {doomed} {number}")
                    place = campaign.place(command)
                    jobs = [campaign.job(command, place, part, writers) for part in range(writers)]
                    for job in drawn.sample(jobs, doomed):
                        job.rename, job.after = drawn.randint(1, max(1, usual.renames // 2)), drawn.random() < 0.5
                    ended = campaign.server.run(jobs)
                    return finished(campaign, command, usual, place, f"{writers} writers", ended, writers)

                key = f"{command.name}, {writers} writers of which {doomed} killed {number} of seed {campaign.seed}"
                campaign.round(key, do)


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Callable[[str], None]]:
    """Mount a disk of a size in bytes in a folder. Yields a function that mounts it again with other options."""
    place.mkdir(parents=True, exist_ok=True)

    def mount(*options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", place], check=True)

    mount(f"size={size}")
    try:
        yield lambda options: mount("remount", options)
    finally:
        subprocess.run(["umount", place], check=True)


def on_full_disks(campaign: Campaign, command: Command, usual: Undisturbed) -> None:
    """Run a command on a disk that is full on the way, make room, and run it again."""
    for share in SHARES:

        def do(share: float = share) -> Round:
            place = campaign.place(command)
            shutil.rmtree(place)
            with small_disk(place, 1 << 28) as again:
                campaign.fill(command, place)
                used = os.statvfs(place)
                taken = (used.f_blocks - used.f_bfree) * used.f_frsize
                again(f"size={taken + round(share * usual.room / PAGE) * PAGE}")
                ended = campaign.server.run([campaign.job(command, place)])
                again(f"size={1 << 28}")
                done = finished(campaign, command, usual, place, "full", ended)
            if ended[0].code == usual.code and FULL not in ended[0].text:
                return replace(done, fault="full (it had room)")
            said = done.message and FULL in ended[0].text
            return replace(done, message=said, note=done.note or ended[0].text[-300:])

        campaign.round(f"{command.name}, full at {share}", do)


def on_read_only_disks(campaign: Campaign, command: Command, usual: Undisturbed) -> None:
    """Run a command on a disk that can only be read, before and after it was done, and then again."""
    for done in (False, True):

        def do(done: bool = done) -> Round:
            place = campaign.place(command)
            shutil.rmtree(place)
            with small_disk(place, 1 << 28) as again:
                campaign.fill(command, place)
                if done:
                    campaign.server.run([campaign.job(command, place)])
                again("ro")
                ended = campaign.server.run([campaign.job(command, place)])
                again("rw")
                return finished(campaign, command, usual, place, "read-only", ended)

        campaign.round(f"{command.name}, read-only {'after' if done else 'before'}", do)


def table(rounds: list[Round]) -> str:
    """Return the rounds by command and fault, and their sum, as a table in Markdown."""
    groups: dict[tuple[str, str], list[Round]] = {}
    for each in rounds:
        groups.setdefault((each.command, each.fault), []).append(each)
    faults = list(dict.fromkeys(fault for _, fault in groups))
    groups |= {("all", fault): [each for each in rounds if each.fault == fault] for fault in faults}
    groups["all", "all"] = rounds
    head = ("command", "fault", "rounds", "kills", "without a message", "not run again", "strays", "lost", "differing")
    lines = [f"| {' | '.join(head)} |", "| --- | --- |" + " --: |" * (len(head) - 2)]
    for (command, fault), of in groups.items():
        counts = [
            len(of),
            sum(each.kills for each in of),
            sum(not each.message for each in of),
            sum(not each.again for each in of),
            *(sum(bool(getattr(each, name)) for each in of) for name in ("strays", "lost", "differing")),
        ]
        lines.append(f"| {command} | {fault} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [command.name for command in COMMANDS]
    parser.add_argument("--out", default="build/faults", help="folder of the rounds")
    parser.add_argument("--commands", nargs="+", default=names, choices=names, metavar="COMMAND", help=", ".join(names))
    parser.add_argument("--renames", type=int, default=12, help="renames at which each command is killed")
    parser.add_argument("--moments", type=int, default=8, help="moments at which each command is killed")
    parser.add_argument("--crowds", type=int, default=2, help="rounds of several writers, of each kind")
    parser.add_argument("--no-disks", action="store_true", help="leave out full and read-only disks")
    parser.add_argument("--seed", type=int, default=0, help="of random moments and victims")
    parser.add_argument("--source", type=Path, help="folder of another version of the package, as src")
    return parser.parse_args()


def main() -> None:
    """Run the campaign and print the table. The exit code is 1 if something was lost or left."""
    arguments = parsed()
    out = Path(arguments.out).absolute()
    with Server(arguments.source and arguments.source.absolute()) as server:
        campaign = Campaign(out, server, arguments.seed)
        make(campaign.world, server)
        for command in (each for each in COMMANDS if each.name in arguments.commands):
            usual = undisturbed(campaign, command)
            print(
                f"{command.name}: {usual.renames} renames, {usual.seconds:.1f} s, {usual.room / 1e3:.0f} kB; "
                f"differs from run to run: {', '.join(sorted(usual.varying)) or 'nothing'}",
                flush=True,
            )
            at_renames(campaign, command, usual, arguments.renames)
            at_moments(campaign, command, usual, arguments.moments)
            crowded(campaign, command, usual, arguments.crowds)
            if not arguments.no_disks and hasattr(os, "geteuid") and os.geteuid() == 0:
                on_full_disks(campaign, command, usual)
                on_read_only_disks(campaign, command, usual)
    shutil.rmtree(out / "place", ignore_errors=True)
    rounds = list(campaign.rounds.values())
    text = table(rounds)
    (out / "table.md").write_text(text + "\n")
    print(text)
    sys.exit(not all(each.good for each in rounds))


if __name__ == "__main__":
    main()
