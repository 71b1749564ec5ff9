"""How good systems are: scores with intervals, their details, and differences between systems."""

from seehear.evaluation.arrays import score
from seehear.evaluation.benchmarking.benchmark import benchmark
from seehear.evaluation.benchmarking.result import Benchmark
from seehear.evaluation.comparison import Comparison, compare
from seehear.evaluation.parsers import evaluate
from seehear.evaluation.result import Evaluation
from seehear.evaluation.tables import score_tables
from seehear.scoring.verdict import Verdict

__all__ = [
    "Benchmark",
    "Comparison",
    "Evaluation",
    "Verdict",
    "benchmark",
    "compare",
    "evaluate",
    "score",
    "score_tables",
]
