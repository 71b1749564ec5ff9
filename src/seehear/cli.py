"""The command line: each command is the Python function of that name, its result printed.

Verbs are imported when they are called, so that `seehear --help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from seehear.errors import SeehearError
from seehear.verbs import networks as network_verbs
from seehear.verbs.result import Result
from seehear.version import __version__

app = App(
    name="seehear",
    help="Parse video into what is heard, what is seen, and both, second by second, from clip-level labels.",
    version=__version__,
    default_parameter=Parameter(consume_multiple=True, negative=()),
    suppress_keyboard_interrupt=False,
    help_format="markdown",
    help_epilogue="Every command takes --json to print its result as JSON.",
)
app.command("seehear.verbs.extract:extract", help="Run networks over clips and keep one feature per second in a store.")
app.command("seehear.verbs.prepare:prepare", help="Bring a data set to where training begins; list what is missing.")
app.command("seehear.verbs.train:train", help="Train a parsing model from clip-level labels.")
app.command("seehear.verbs.evaluate:evaluate", help="Score trained runs on clips whose truth is known.")
app.command("seehear.verbs.compare:compare", help="Compare trained runs, with intervals and p over clips and seeds.")
app.command("seehear.verbs.align:align", help="Measure how well modalities agree in meaning: features, trained runs.")
app.command("seehear.verbs.parse:parse", help="Parse clips: events heard, seen and both, with a picture of each clip.")
app.command("seehear.verbs.view:view", help="Show pages in a browser, with the clips that they play.")
app.command("seehear.verbs.export:export", help="Write parsed clips for other tools: ELAN, Audacity, WebVTT, tables.")
app.command("seehear.verbs.score:score", help="Score predictions of any system, given as dense tables.")
app.command("seehear.verbs.select:select", help="Choose networks: which understand each other best on your clips.")
app.command("seehear.verbs.judge:judge", help="Judge a selection, and every way to select, by full trainings.")
app.command(
    "seehear.verbs.reproduce:reproduce", help="Run a paper's tables: its numbers, yours, and its claims judged."
)
app.command("seehear.verbs.estimators:estimators", help="List what can say which networks suit which clips.")
app.command("seehear.verbs.recipes:recipes", help="List the recipes for training.")

labels = App(name="labels", help="Check label tables, or make them from annotations.")
labels.command("seehear.verbs.labels:check_labels", name="check", help="Report every defect as file:line: message.")
labels.command("seehear.verbs.labels:import_labels", name="import", help="Take annotations of ELAN, Audacity and such.")
app.command(labels)

networks = App(name="networks", help="List networks, or check them on a sample clip.")
networks.default(network_verbs.networks)
networks.command("seehear.verbs.networks:check_networks", name="check", help="Check networks on a sample clip.")
app.command(networks)

features = App(name="features", help="Import, export or generate features as folders of .npy files.")
features.command("seehear.verbs.features:import_features", name="import", help="Import .npy files into a store.")
features.command(
    "seehear.verbs.features:export_features", name="export", help="Export features of a store as .npy files."
)
features.command(
    "seehear.verbs.features:generate_features", name="generate", help="Generate synthetic features of a data set."
)
app.command(features)

INTERRUPTED = 130  # what shells expect of a program that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and leave with its exit code: 0 done, 1 an error or something left out, 2 misused."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in tokens
    tokens = [token for token in tokens if token != "--json"]
    try:
        result = app(tokens, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        sys.exit(2)
    except SeehearError as error:
        print(f"seehear: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("seehear: stopped. What was finished is kept; the same command goes on from there", file=sys.stderr)
        sys.exit(INTERRUPTED)
    try:
        if isinstance(result, Result):
            print(json.dumps(result.as_json(), indent=1, ensure_ascii=False) if as_json else result.text())
            sys.stdout.flush()
    except BrokenPipeError:  # as when the reader is `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(result.exit_code if isinstance(result, Result) else 0)


if __name__ == "__main__":
    main()
