# SPDX-License-Identifier: Apache-2.0
"""How long a revoked device is still heard: measured on the cable by the ledger's demonstration, in guests."""

import json
import os
import subprocess

from image import BUILD

TOP = os.path.dirname(BUILD)
FIGURES = os.path.join(BUILD, "demo-figures.json")
SCENARIOS = ("demo_ledger", "demo_ledger_faults")


def figures():
    """Runs it anew: what another run has left there says nothing of this one. Empty where it fails."""
    if os.path.exists(FIGURES):
        os.unlink(FIGURES)
    done = subprocess.run([os.path.join(TOP, "tests", "qemu", "run.py"), *SCENARIOS], check=False,
                          stdout=subprocess.PIPE, text=True)
    if not os.path.exists(FIGURES):
        print(f"  revocation: no figure: {done.stdout.strip().splitlines()[-1:]}", flush=True)
        return {}
    with open(FIGURES, encoding="ascii") as file:
        found = json.load(file)
    return {key: found[key] for key in ("revoke_to_drop_ms", "block_to_drop_ms") if key in found}
