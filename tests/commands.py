"""The functions behind the commands, by the commands' names: they take paths and texts, as a command line does."""

from seehear.verbs.align import align
from seehear.verbs.compare import compare
from seehear.verbs.estimators import estimators
from seehear.verbs.evaluate import evaluate
from seehear.verbs.export import export
from seehear.verbs.extract import extract
from seehear.verbs.features import export_features, generate_features, import_features
from seehear.verbs.judge import judge
from seehear.verbs.labels import check_labels, import_labels
from seehear.verbs.networks import check_networks, networks
from seehear.verbs.parse import parse
from seehear.verbs.prepare import prepare
from seehear.verbs.recipes import recipes
from seehear.verbs.reproduce import reproduce
from seehear.verbs.score import score
from seehear.verbs.select import select
from seehear.verbs.train import train
from seehear.verbs.view import view

__all__ = [
    "align",
    "check_labels",
    "check_networks",
    "compare",
    "estimators",
    "evaluate",
    "export",
    "export_features",
    "extract",
    "generate_features",
    "import_features",
    "import_labels",
    "judge",
    "networks",
    "parse",
    "prepare",
    "recipes",
    "reproduce",
    "score",
    "select",
    "train",
    "view",
]
