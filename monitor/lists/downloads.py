"""Fetches due subscriptions concurrently into files beside their copies, which are not used yet."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from monitor.errors import ListError
from monitor.lists.copies import CopyRecord, copy_path, fresh_file
from monitor.lists.fetch import Fetched, Validators, fetch
from monitor.lists.pins import SIGNATURE_BYTES, SIGNATURE_SUFFIX
from monitor.lists.subscription import Subscription

AT_ONCE: Final = 4
NO_END: Final = "the server sent no length, so a truncated list would not be detected: pin it by sha256 or minisign"


NOTHING: Final = Fetched(is_new=False)


@dataclass(frozen=True)
class Download:
    """The result of fetching one subscription; `error` is `""` on success. A new `fetched` list is in the fresh file
    beside the copy, with its `signature` if the list is pinned to a key.
    """

    fetched: Fetched = NOTHING
    signature: bytes = b""
    error: str = ""


def download_all(subscriptions: Sequence[Subscription], known: Mapping[str, Validators]) -> list[Download]:
    """Returns the downloads in the order of the subscriptions; `known` are validators by list name."""

    async def together() -> list[Download]:
        slots = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(in_turn(one, known[one.name], slots) for one in subscriptions))

    return asyncio.run(together())


async def in_turn(subscription: Subscription, known: Validators, slots: asyncio.Semaphore) -> Download:
    async with slots:
        try:
            return await download(subscription, known)
        except ListError as error:
            return Download(error=str(error))
        except OSError as error:
            return Download(error=f"cannot be stored: {error.strerror or error}")


async def download(subscription: Subscription, known: Validators) -> Download:
    user = subscription.user
    with fresh_file(copy_path(user.state, user.name)) as file:
        fetched = await fetch(user.url, file, user.max_bytes, subscription.timeout, known)
    if not fetched.is_new:
        return Download(fetched)
    if not fetched.is_whole and not subscription.sha256 and not subscription.minisign:
        raise ListError(NO_END)
    return Download(fetched, await signature_of(subscription) if subscription.minisign else b"")


async def signature_of(subscription: Subscription) -> bytes:
    """Fetches the file `<url>.minisig` beside the list."""
    body = BytesIO()
    url = subscription.user.url + SIGNATURE_SUFFIX
    try:
        await fetch(url, body, SIGNATURE_BYTES, subscription.timeout, Validators())
    except ListError as error:
        raise ListError(f"its signature {SIGNATURE_SUFFIX}: {error}") from None
    return body.getvalue()


def validators_of(record: CopyRecord, copy: Path, terms: str) -> Validators:
    """Returns the validators for a conditional request: only of a complete copy that was fetched under
    the same terms.
    """
    if record.terms != terms or not record.digest:
        return Validators()
    try:
        with copy.open("rb") as file:
            is_whole = hashlib.file_digest(file, "sha256").hexdigest() == record.digest
    except OSError:
        return Validators()
    return Validators(record.etag, record.modified) if is_whole else Validators()
