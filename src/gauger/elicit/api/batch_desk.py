"""Speaks with an endpoint's interface for batches: sends files, begins batches and finds them again, fetches files."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote as in_address

from gauger.elicit.api import batch_files
from gauger.elicit.api.faults import FailedAttempt
from gauger.elicit.api.pacing import Patience
from gauger.elicit.api.transport import EndpointLine
from gauger.errors import UserError

_NAP_S = 0.1
_WINDOW = "24h"
_PAGES = 100
_GOES_ON = "Nothing is lost: run it again, and it goes on with the batch."


@dataclass(frozen=True)
class BatchDesk:
    """An open line to an endpoint's batches."""

    line: EndpointLine
    patience: Patience
    chance: random.Random
    stopped: Callable[[], bool]
    """Whether nobody waits any longer."""

    async def begin(self, name: str, form: bytes, path: str) -> str:
        """Send a file, begin a batch of ours under a name, and return the endpoint's name of it."""
        file = self._told(await self._surely("POST", "/files", form, batch_files.UPLOAD_KIND))
        about = {"input_file_id": file["id"], "endpoint": f"/v1{path}", "completion_window": _WINDOW}
        return await self._created(name, {**about, "metadata": {"gauger": name}})

    async def state(self, batch_id: str) -> dict[str, Any] | None:
        """Return what the endpoint says of a batch; None where it has none of that name."""
        content = await self._surely("GET", f"/batches/{in_address(batch_id, safe='')}", absent=True)
        return None if content is None else self._told(content, "status")

    async def files(self, batch: Mapping[str, Any]) -> list[bytes]:
        """Fetch the files that an endpoint made of a batch: of replies, and of errors."""
        names = [batch.get(f"{kind}_file_id") for kind in ("output", "error")]
        contents = [
            await self._surely("GET", f"/files/{in_address(str(name), safe='')}/content") for name in names if name
        ]
        return [content for content in contents if content is not None]

    async def _created(self, name: str, about: Mapping[str, Any]) -> str:
        """Create a batch, once: where the endpoint does not say so, it is looked for before it is asked again."""
        content = json.dumps(about).encode("ascii")
        fault = FailedAttempt("nothing was tried")
        for faults in range(1, self.patience.attempts + 1):
            response = await self.line.exchange("POST", "/batches", content)
            if not isinstance(response, FailedAttempt):
                return str(self._told(response)["id"])
            fault = response
            if not fault.again:
                break
            try:
                if (batch_id := await self.listed(name)) is not None:
                    return batch_id
            except LookupError:
                break
            await self.rest(fault, faults)
        raise fault.closed or self.stuck(fault)

    async def listed(self, name: str) -> str | None:
        """Find a batch by our name; None where the endpoint has none. LookupError where it keeps no list."""
        after = ""
        for _ in range(_PAGES):
            content = await self._surely("GET", f"/batches?limit=100{after}", absent=True)
            if content is None:
                raise LookupError(name)
            page = self._told(content, "data")
            for batch in page["data"]:
                if isinstance(batch, Mapping) and (batch.get("metadata") or {}).get("gauger") == name:
                    return str(batch["id"])
            if not page.get("has_more") or not page["data"]:
                return None
            after = f"&after={in_address(str(page['data'][-1]['id']), safe='')}"
        raise LookupError(name)

    async def _surely(
        self, method: str, path: str, content: bytes | None = None, kind: str | None = None, *, absent: bool = False
    ) -> bytes | None:
        """Exchange what can be exchanged twice, however often; None where there is no such thing, if `absent`."""
        faults = 0
        while isinstance(response := await self.line.exchange(method, path, content, kind), FailedAttempt):
            faults += 1
            if absent and response.missing:
                return None
            if response.closed is not None and not response.missing:
                raise response.closed
            if not response.again or response.missing or faults >= self.patience.attempts:
                raise self.stuck(response)
            await self.rest(response, faults)
        return response

    def stuck(self, fault: FailedAttempt) -> UserError:
        """Say that a fault does not pass, and that the batch stays where it is."""
        wanted = "an endpoint with an interface for batches" if fault.missing else "an endpoint that answers"
        return UserError(wanted, f"{fault.what} from {self.line.url}", hint=_GOES_ON)

    def _told(self, content: bytes | None, *names: str) -> dict[str, Any]:
        """Read what the endpoint says of a file or batch."""
        try:
            document = json.loads(self.line.clean((content or b"").decode("utf-8", "replace")))
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict) or any(name not in document for name in names or ("id",)):
            given = f"something else from {self.line.url}"
            raise UserError("a file, a batch or a list of them, as JSON", given, hint=_GOES_ON)
        return document

    async def rest(self, fault: FailedAttempt, faults: int) -> None:
        """Wait before something is tried again."""
        await self.nap(self.patience.wait_s(max(1, faults), self.chance) if fault.wait_s is None else fault.wait_s)

    async def nap(self, seconds: float) -> None:
        """Wait, unless the session is stopped."""
        while seconds > 0 and not self.stopped():
            await asyncio.sleep(min(_NAP_S, seconds))
            seconds -= _NAP_S
