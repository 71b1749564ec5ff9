"""The functions behind the commands, by the commands' names, with options named as on the command line."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import signature
from typing import Any

from seehear.cli import align as _align
from seehear.cli import compare as _compare
from seehear.cli import estimators as _estimators
from seehear.cli import evaluate as _evaluate
from seehear.cli import export as _export
from seehear.cli import extract as _extract
from seehear.cli import features as _features
from seehear.cli import judge as _judge
from seehear.cli import labels as _labels
from seehear.cli import networks as _networks
from seehear.cli import parse as _parse
from seehear.cli import prepare as _prepare
from seehear.cli import recipes as _recipes
from seehear.cli import reproduce as _reproduce
from seehear.cli import score as _score
from seehear.cli import select as _select
from seehear.cli import train as _train
from seehear.cli import view as _view
from seehear.cli.options import DecodingOptions, TruthOptions

GROUPS = {"truth": TruthOptions, "decoding": DecodingOptions}


def _ungrouped(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, with the options of its groups as keywords of their own."""
    groups = {name: kind for name, kind in GROUPS.items() if name in signature(command).parameters}

    @wraps(command)
    def call(*arguments: Any, **options: Any) -> Any:
        for name, kind in groups.items():
            chosen = {field.name for field in fields(kind)} & set(options)
            if chosen:
                options[name] = kind(**{key: options.pop(key) for key in chosen})
        return command(*arguments, **options)

    return call


align = _ungrouped(_align.align)
compare = _ungrouped(_compare.compare)
estimators = _ungrouped(_estimators.estimators)
evaluate = _ungrouped(_evaluate.evaluate)
export = _ungrouped(_export.export)
extract = _ungrouped(_extract.extract)
export_features = _ungrouped(_features.export_features)
generate_features = _ungrouped(_features.generate_features)
import_features = _ungrouped(_features.import_features)
judge = _ungrouped(_judge.judge)
check_labels = _ungrouped(_labels.check_labels)
import_labels = _ungrouped(_labels.import_labels)
check_networks = _ungrouped(_networks.check_networks)
networks = _ungrouped(_networks.networks)
parse = _ungrouped(_parse.parse)
prepare = _ungrouped(_prepare.prepare)
recipes = _ungrouped(_recipes.recipes)
reproduce = _ungrouped(_reproduce.reproduce)
score = _ungrouped(_score.score)
select = _ungrouped(_select.select)
train = _ungrouped(_train.train)
view = _ungrouped(_view.view)
