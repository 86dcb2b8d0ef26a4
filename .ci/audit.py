"""What is known against the packages that the lock file names, and which they are (CycloneDX).

Exits with 1 where something is known. Where the index tells nothing of vulnerabilities, it says so and passes: a mirror
without that answer is no reason to stop a change.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
LOCK, BILL = "requirements.lock", Path("build/sbom.cdx.json")


def main() -> int:
    """Write the bill of materials, and tell what is known."""
    BILL.parent.mkdir(exist_ok=True)
    subprocess.run([BIN / "cyclonedx-py", "requirements", LOCK, "--of", "JSON", "-o", BILL], check=True)
    ask = [
        BIN / "pip-audit",
        "-r",
        LOCK,
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "-f",
        "json",
    ]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"pip-audit got no answer: {done.stderr.strip().splitlines()[-1:]}")
        return 0
    unknown = sum("skip_reason" in one for one in packages)
    faults = [(one["name"], one["version"], fault) for one in packages for fault in one.get("vulns", ())]
    for name, version, fault in faults:
        print(f"{name} {version}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}")
    print(f"{len(packages)} packages ({BILL}): {len(faults)} known faults; {unknown} of which the index tells nothing")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
