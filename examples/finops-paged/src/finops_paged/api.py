"""Paged Cloud's API: one request at a time, what goes wrong in finops's terms."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from finops_core import FinopsError, Secret
from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError, DeliveryReplaced

TIMEOUT = 30
"""Seconds without an answer after which the API is taken for dead."""


@dataclass(frozen=True)
class Api:
    url: str
    token: Secret | None
    progress: Callable[[int], None] = lambda count: None

    def get(self, path: str, **parameters: str) -> Any:
        """The answer to one request. Numbers with a point are text, so that no digit of theirs is lost.

        Raises AccessError, ConfigError, DataMissing, DeliveryReplaced (the revision is not the newest any more) and
        DeliveryError (an answer that is cut short, or no JSON).
        """
        where = f"{self.url.rstrip('/')}/{path}"
        if urlsplit(where).scheme not in ("http", "https"):
            raise ConfigError(f"{self.url!r} is not an address", where="paged.url", hint="it begins with https://")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with urlopen(Request(f"{where}?{urlencode(parameters)}", headers=headers), timeout=TIMEOUT) as answer:
                content = answer.read()
            self.progress(len(content))
            return json.loads(content, parse_float=str)
        except HTTPError as error:
            raise _refused(error, where) from error
        except (HTTPException, ValueError) as error:
            raise DeliveryError(f"the API's answer is not whole: {error!r}", where=where) from error
        except (URLError, OSError) as error:
            raise AccessError(f"the API does not answer: {error}", where=where, hint="is paged.url right?") from error


def _refused(error: HTTPError, where: str) -> FinopsError:
    if error.code in (401, 403):
        return AccessError("the API refuses the token", where=where, hint="set PAGED_TOKEN to one that may read bills")
    if error.code == 404:
        return DataMissing("the API knows no such address", where=where, hint="is paged.url right?")
    if error.code == 409:
        return DeliveryReplaced("the bill was revised while it was read", where=where)
    return AccessError(f"the API answers {error.code} {error.reason}", where=where, hint="try again later")
