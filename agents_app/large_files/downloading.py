"""The process that downloads: `python -m agents_app.large_files.downloading < JOB`.

It connects to the addresses that it was given and to nothing else, whatever the name stands for by now.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from agents_app.context import ToolError
from agents_app.large_files.telling import Told, tell

_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 256 * 1024
_MOVED = (301, 302, 303, 307, 308)


def download(job: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
    """Write the file, or return `{"redirect": …}`.

    Raises `ToolError` (`url_unreachable`, `url_failed`, `file_too_large`).
    """
    try:
        with _connect(job["host"], job["port"], job["addresses"]) as plain:
            secure = _secured(plain, job["host"]) if job["scheme"] == "https" else plain
            connection = http.client.HTTPConnection(job["host"], job["port"])
            connection.sock = secure
            return _receive(connection, job, told)
    except ssl.SSLCertVerificationError as error:
        raise ToolError(
            "url_unreachable", f"The server's certificate is not valid: {error.verify_message}."
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ToolError("url_unreachable", f"The download failed ({type(error).__name__}).") from None


def _connect(host: str, port: int, addresses: Sequence[str]) -> socket.socket:
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), _TIMEOUT_SECONDS)
        except OSError as error:
            failure = error
    raise failure


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _receive(connection: http.client.HTTPConnection, job: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
    headers = {"User-Agent": "mcpchat", "Accept": "*/*", "Accept-Encoding": "identity"}
    connection.request("GET", job["target"], headers=headers)
    response = connection.getresponse()
    if response.status in _MOVED and response.getheader("Location"):
        return {"redirect": str(response.getheader("Location"))[:2000]}
    if response.status != 200:
        raise ToolError("url_failed", f"The server answered with {response.status}.")
    _write(response, job, told)
    return {}


def _write(response: http.client.HTTPResponse, job: Mapping[str, Any], told: Told) -> None:
    expected, received, most = response.length, 0, int(job["max_bytes"])
    if (expected or 0) > most:
        raise too_large(most)
    with open(job["to"], "wb") as file:
        while chunk := response.read(_CHUNK_BYTES):
            received += len(chunk)
            if received > most:
                raise too_large(most)
            file.write(chunk)
            told.progress(received / (expected or most))
    if expected is not None and received != expected:
        raise ToolError("url_unreachable", "The download ended before its end.")


def too_large(most: int) -> ToolError:
    """Return the error for more than `most` bytes."""
    return ToolError("file_too_large", f"The file is larger than the limit of {most:,} bytes.")


if __name__ == "__main__":
    tell(download)
