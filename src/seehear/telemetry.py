"""Libraries that report their use to their makers: this is switched off before they are imported.

ONNX Runtime writes an identifier of the computer and a queue of events into the user's cache and looks a host up, as
soon as it is imported. The libraries of Hugging Face report to it what is loaded.
"""

from __future__ import annotations

import os

RUNTIME = "ORT_DISABLE_TELEMETRY"
SWITCHES = (RUNTIME, "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")  # environment variables, read by the libraries
ON = ("", "0", "false", "no", "off")  # values by which a user allows the reports


def switch_off() -> None:
    """Set the switches that the user hasn't set. It must run before the libraries are imported."""
    for name in SWITCHES:
        os.environ.setdefault(name, "1")


def is_off() -> bool:
    """Return whether ONNX Runtime must not report anything: always, unless the user has allowed it."""
    return os.environ.get(RUNTIME, "1").strip().lower() not in ON
