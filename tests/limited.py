"""Processes whose memory is limited, to show that a computation needs no more than a part of the features."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Defines `limit(bytes)`: from now on, the process may take so many more bytes of memory. Files that are mapped to be
# read do not count.
LIMIT = """
import resource

def limit(size):
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmData"))
    allowed = int(line.split()[1]) * 1024 + size
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
"""

# Large pieces go back to the system when they are freed, so that gaps between them don't count.
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": f"{1 << 20}", "MALLOC_TRIM_THRESHOLD_": f"{4 << 20}"}


def run_limited(code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code, which calls `limit`, in another process."""
    if not sys.platform.startswith("linux"):
        pytest.skip("memory is limited as Linux does")
    own = {**os.environ, **ALLOCATOR, "OMP_NUM_THREADS": "1", **environment}
    paths = [str(Path(__file__).parent), *filter(None, [own.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-c", LIMIT + code, *map(str, arguments)],
        env=own | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
