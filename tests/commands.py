"""The functions behind the commands, with every option as a keyword.

A command takes some of its options together, as `truth=TruthOptions(...)`. Tests name them one by one instead, as on
the command line:

    commands.evaluate("run", labels="test.csv", dense_audio="audio.csv")
"""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any

from seehear.cli.app import COMMANDS, GROUP_COMMANDS
from seehear.cli.options import DecodingOptions, EngineOptions, TruthOptions
from seehear.cli.parse import UntrainedOptions

# Each is written "module:function".
TARGETS = [target for *_, target, _ in (*COMMANDS, *GROUP_COMMANDS)]
MODULES = {function: module for module, function in (target.split(":") for target in TARGETS)}
# A command's parameter -> its options.
GROUPS = {"truth": TruthOptions, "decoding": DecodingOptions, "untrained": UntrainedOptions, "engine": EngineOptions}


def __getattr__(name: str) -> Callable[..., Any]:
    """The function of that name, such as `train` or `import_features`."""
    if name not in MODULES:
        raise AttributeError(f"no command has a function {name!r}")
    return _ungrouped(getattr(import_module(f"seehear.cli.{MODULES[name]}"), name))


def _ungrouped(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, with the options of its groups as keywords."""
    groups = {name: kind for name, kind in GROUPS.items() if name in signature(command).parameters}

    @wraps(command)
    def call(*arguments: Any, **options: Any) -> Any:
        for name, kind in groups.items():
            given = {field.name: options.pop(field.name) for field in fields(kind) if field.name in options}
            if given:
                options[name] = kind(**given)
        return command(*arguments, **options)

    return call
