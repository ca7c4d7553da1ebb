"""git without surprises: no settings of the machine or the user, no prompts, hooks, helpers or redirects."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents_app.codebase.address import Address
from agents_app.context import ToolError
from agents_app.isolation import networks
from agents_app.isolation.networks import IPAddress
from agents_app.isolation.subprocesses import Command, Limits

# Older ones ignore http.curloptResolve silently: the address would not be pinned.
_OLDEST = (2, 37)
_MEMORY_BYTES = 3 * 1024**3
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.askPass=",
    "core.protectNTFS=true",
    "core.protectHFS=true",
    # Files above this are streamed: git would hold each one in memory.
    "core.bigFileThreshold=16m",
    "credential.helper=",
    "http.followRedirects=false",
    "http.proxy=",
    "transfer.bundleURI=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "log.showSignature=false",
    "protocol.allow=never",
    # Detached housekeeping would outlive the clone.
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
_SSH_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "accept-new",
    "UserKnownHostsFile": "known_hosts",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "ProxyCommand": "none",
    "ProxyJump": "none",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ForwardAgent": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "ConnectTimeout": "15",
    "ServerAliveInterval": "15",
}
# The worker's keys open doors for whoever is at the keyboard: only hosts that the operator listed see them.
_SSH_NO_KEYS = {"IdentityFile": "/dev/null", "IdentitiesOnly": "yes", "IdentityAgent": "none"}


@dataclass(frozen=True, kw_only=True)
class Git:
    """The git program, run in `home`, an empty folder that is also all it sees of a home."""

    program: str
    home: Path
    largest_file_bytes: int

    def command(
        self, *arguments: str, settings: Sequence[str] = (), extra: Mapping[str, str] | None = None
    ) -> Command:
        """Return the command `git ARGUMENTS` with further `settings` (name=value) and environment."""
        options = [part for setting in (*_SETTINGS, *settings) for part in ("-c", setting)]
        return Command(
            arguments=[self.program, *options, *arguments],
            folder=self.home,
            environment={**self._environment(), **(extra or {})},
            limits=Limits(memory_bytes=_MEMORY_BYTES, file_bytes=self.largest_file_bytes),
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH") if name in os.environ}
        return kept | {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "TMPDIR": str(self.home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_PROGRESS_DELAY": "0",
            "GIT_ALLOW_PROTOCOL": "",
        }


def find(home: Path, largest_file_bytes: int) -> Git:
    """Return git, which may write files of at most `largest_file_bytes`.

    Raises `ToolError` (`git_missing`) if it is not installed or too old to pin addresses.
    """
    program = shutil.which("git")
    if program is None:
        raise ToolError("git_missing", "Repositories cannot be cloned: git is not installed on the worker.")
    if _version(program) < _OLDEST:
        raise ToolError("git_missing", "Repositories cannot be cloned: the worker needs git 2.37 or newer.")
    return Git(program=program, home=home, largest_file_bytes=largest_file_bytes)


def _version(program: str) -> tuple[int, ...]:
    told = subprocess.run(
        [program, "version"], capture_output=True, text=True, timeout=10, check=False
    ).stdout
    numbers = re.search(r"(\d+)\.(\d+)", told)
    return tuple(map(int, numbers.groups())) if numbers else (0,)


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """How git is made to connect to addresses that were looked at, not to what a name says later."""

    url: str
    environment: Mapping[str, str]
    settings: Sequence[str] = ()


def pin(address: Address, addresses: Sequence[IPAddress]) -> Pinned:
    """Return what clones from `address` by way of `addresses` only."""
    # A machine without IPv6 often still gets IPv6 addresses from its resolver.
    ordered = [str(found) for found in sorted(addresses, key=lambda found: found.version)]
    how = {"https": _pin_http, "http": _pin_http, "ssh": _pin_ssh, "git": _pin_git}[address.scheme]
    return how(address, ordered)


def _pin_http(address: Address, addresses: Sequence[str]) -> Pinned:
    targets = ",".join(map(networks.bracketed, addresses))
    named = networks.literal(address.host) is None
    return Pinned(
        url=f"{address.scheme}://{networks.bracketed(address.host)}:{address.port}{address.path}",
        settings=[f"http.curloptResolve={address.host}:{address.port}:{targets}"] if named else [],
        environment={"GIT_ALLOW_PROTOCOL": address.scheme},
    )


def _pin_git(address: Address, addresses: Sequence[str]) -> Pinned:
    return Pinned(
        url=f"git://{networks.bracketed(addresses[0])}:{address.port}{address.path}",
        environment={"GIT_ALLOW_PROTOCOL": "git", "GIT_OVERRIDE_VIRTUAL_HOST": address.place},
    )


def _pin_ssh(address: Address, addresses: Sequence[str]) -> Pinned:
    options = {**_SSH_OPTIONS, **({} if address.trusted else _SSH_NO_KEYS)}
    options |= {"HostName": addresses[0], "HostKeyAlias": address.host}
    command = ["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())]
    environment = {
        "GIT_ALLOW_PROTOCOL": "ssh",
        "GIT_SSH_VARIANT": "ssh",
        "GIT_SSH_COMMAND": shlex.join(command),
    }
    return Pinned(url=_ssh_url(address), environment={**environment, **_agent(address)})


def _ssh_url(address: Address) -> str:
    place = f"{address.user}@" * bool(address.user) + networks.bracketed(address.host)
    return (
        f"{place}:{address.scp_path}" if address.scp_path else f"ssh://{place}:{address.port}{address.path}"
    )


def _agent(address: Address) -> dict[str, str]:
    agent = os.environ.get("SSH_AUTH_SOCK")
    return {"SSH_AUTH_SOCK": agent} if agent and address.trusted else {}
