"""The command line. A command turns arguments into objects, calls one method, and returns a result to print.

Commands are imported when they are called, so that `seehear --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from seehear.cli import output
from seehear.engines.interrupts import held_in_command
from seehear.errors import SeehearError, not_installed
from seehear.progress import say
from seehear.results import Result
from seehear.version import __version__

# Command, the function that runs it, and its line in `seehear --help`.
COMMANDS = (
    ("extract", "extract:extract", "Run networks over clips and keep one feature per second in a store."),
    ("prepare", "prepare:prepare", "Check a data set's tables, import or extract its features, list what is missing."),
    ("train", "train:train", "Train a parsing model from clip-level labels."),
    ("evaluate", "evaluate:evaluate", "Score trained runs against per-second ground truth."),
    ("benchmark", "benchmark:benchmark", "Score runs or predictions by the metrics that papers of data sets report."),
    ("thresholds", "thresholds:thresholds", "Choose a run's thresholds by false alarms per hour."),
    ("compare", "compare:compare", "Compare trained runs, with intervals and p-values over clips and seeds."),
    ("align", "align:align", "Measure how well modalities agree in meaning, in features and in trained runs."),
    ("parse", "parse:parse", "Parse clips into events heard, seen and both, with or without training."),
    ("package", "package:package", "Write a trained model as one file, which parses clips without torch."),
    ("classes", "classes:classes", "Show which classes of pretrained networks your words stand for."),
    ("label", "label:label", "Label clips on a page in a browser, by keyboard."),
    ("view", "view:view", "Show pages in a browser, with the clips that they play."),
    ("export", "export:export", "Write parsed clips for other tools: ELAN, Audacity, edit lists, tables."),
    ("score", "score:score", "Score predictions of any system, given as dense tables."),
    ("select", "select:select", "Choose networks: the collocation that suits your clips best."),
    ("judge", "judge:judge", "Compare a selection, and every estimator, with full trainings."),
    ("reproduce", "reproduce:reproduce", "Run a paper's tables: its numbers, yours, and a verdict on each claim."),
    ("estimators", "estimators:estimators", "List the estimators that rank networks."),
    ("teachers", "teachers:teachers", "List the teachers that refine weak labels."),
    ("recipes", "recipes:recipes", "List the recipes for training."),
)
GROUPS = {
    "labels": "Check label tables, make them from annotations, refine them per modality, or judge that.",
    "networks": "List networks, or check them on a sample clip.",
    "features": "Import features that others made, and export a store's as .npy files.",
}
GROUP_COMMANDS = (
    ("labels", "check", "labels:check_labels", "Report every defect as file:line: message."),
    ("labels", "import", "labels:import_labels", "Import annotations of ELAN, Audacity and other tools."),
    ("labels", "refine", "labels:refine_labels", "Find out in which modality weak labels hold, and when."),
    ("labels", "judge", "labels:judge_labels", "Judge refined labels by true labels per modality."),
    ("networks", "list", "networks:networks", "List networks: input, width, training data, licence."),
    ("networks", "check", "networks:check_networks", "Check networks on a sample clip."),
    ("features", "import", "features:import_features", "Import features that others made into a store."),
    ("features", "export", "features:export_features", "Write a store's features as .npy files."),
    ("features", "generate", "features:generate_features", "Make synthetic features of a data set."),
)
ROOM = "seehear.cli"
STDIN = "/dev/stdin"  # what `-` names
FAILED, WRONG_USAGE = 1, 2
INTERRUPTED = 130  # the exit code that shells expect of a program that Ctrl-C ended


def build(tokens: Sequence[str]) -> App:
    """The command line's app.

    Args:
        tokens: The arguments of the call. A command's own help comes from its docstring, which is read only if the
            command is named.
    """
    named = bool(tokens) and not tokens[0].startswith("-")
    app = App(
        name="seehear",
        help="Parse video into what is heard, what is seen, and both, second by second, from clip-level labels.",
        version=__version__,
        default_parameter=Parameter(consume_multiple=True, negative=()),
        suppress_keyboard_interrupt=False,
        # The former keeps <…> and joins lines, but takes longer to import.
        help_format="restructuredtext" if named else "plaintext",
        help_epilogue="Every command takes --json to print its result as JSON.",
    )
    groups = {name: App(name=name, help=text) for name, text in GROUPS.items()}
    for name, target, text in COMMANDS:
        app.command(f"{ROOM}.{target}", name=name, help=None if named else text)
    for group, name, target, text in GROUP_COMMANDS:
        in_group = tokens[:1] == [group] and tokens[1:2] == [name]
        groups[group].command(f"{ROOM}.{target}", name=name, help=None if in_group else text)
    for group_app in groups.values():
        app.command(group_app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit: 0 done, 1 an error or something left out, 2 wrong usage, 130 interrupted."""
    output.prepare()
    try:
        with held_in_command():
            code = _run(list(sys.argv[1:] if arguments is None else arguments))
    except SeehearError as error:
        code = _fail(str(error))
    except ImportError as error:
        if (missing := not_installed(error)) is None:
            raise
        code = _fail(str(missing))
    except KeyboardInterrupt:
        say("seehear: interrupted. Finished pieces are kept; rerun the same command to resume")
        code = INTERRUPTED
    except UnicodeEncodeError as error:
        code = _fail(f"{error.object!a}: this system encodes names of files in {error.encoding}: set PYTHONUTF8=1")
    except OSError as error:  # that no reader or writer expected, such as a folder that can't be entered
        where = error.filename if error.filename is not None else "input or output"
        code = _fail(f"{where}: {error.strerror or error}")
    except MemoryError:
        code = _fail("out of memory: close other programs, or give fewer clips at once")
    output.settle()
    sys.exit(code)


def _run(tokens: list[str]) -> int:
    """Run a command line, print its result, and return the exit code."""
    as_json = "--json" in tokens
    tokens = [token for token in tokens if token != "--json"]
    tokens = [STDIN if token == "-" else token for token in tokens]  # which cyclopts takes for an unknown option
    if tokens == ["networks"]:
        tokens = ["networks", "list"]
    try:
        os.getcwd()
    except OSError:  # some libraries end the process then, without a word that helps
        return _fail("the current folder does not exist any more: change to another one")
    app = build(tokens)
    app.console, app.error_console = output.consoles()
    try:
        result = app(tokens, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return WRONG_USAGE
    if not isinstance(result, Result):
        return 0
    failure = output.show(output.as_json(result.as_json()) if as_json and not result.lines else result.text())
    if failure:
        return _fail(f"the result can't be printed ({failure}); what the command writes is whole")
    return result.exit_code


def _fail(message: str) -> int:
    """Say what went wrong, and return the exit code."""
    say(f"seehear: {message}")
    return FAILED


if __name__ == "__main__":
    main()
