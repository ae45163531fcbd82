"""Checks a signature of a run's manifest by somebody's SSH key (`ssh-keygen -Y`)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gauger.errors import UserError
from gauger.store import MANIFEST_FILE

NAMESPACE = "gauger"
"""What `ssh-keygen -Y sign -n` must be told, so that a signature made for something else counts for nothing here."""


def signature_differences(directory: Path, signers: Path, signer: str) -> list[str]:
    """Say what is wrong with `manifest.json.sig`; nothing where the named signer signed this manifest.

    Parameters
    ----------
    directory : Path
        Of the run.
    signers : Path
        An allowed-signers file (ssh-keygen(1)): names and public keys.
    signer : str
        A name in it.

    Raises
    ------
    UserError
        Where `ssh-keygen` is not installed.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise UserError("ssh-keygen, which checks signatures", "none on this machine", hint="Install OpenSSH.")
    signature = directory / f"{MANIFEST_FILE}.sig"
    if not signature.is_file():
        return [f"{signature.name} is missing"]
    command = [program, "-Y", "verify", "-f", str(signers), "-I", signer, "-n", NAMESPACE, "-s", str(signature)]
    with (directory / MANIFEST_FILE).open("rb") as manifest:
        done = subprocess.run(command, stdin=manifest, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0:
        return []
    output = (done.stderr or done.stdout).strip().splitlines()
    return [f"{signature.name}: {output[0] if output else 'not valid'}"]
