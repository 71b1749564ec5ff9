"""What all tests share."""

import os
import sys
from pathlib import Path

# Tests train tiny models, which more threads only make slower; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))  # so that `make_media` can be imported from anywhere
