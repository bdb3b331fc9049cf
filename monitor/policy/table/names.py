"""Names of sets, chains and counters in the kernel, made from names in the configuration.

nft accepts letters, digits, `/`, `-`, `_` and `.` in a name that begins with a letter. Names in the configuration may
contain all of these but `/`, which therefore separates them, and `!`, which becomes `/not-`.
"""

import zlib
from typing import Final

# Half of the kernel's maximum (NFT_NAME_MAXLEN is 256), and still readable.
LONGEST: Final = 120


def kernel_name(text: str) -> str:
    """Returns the name as it is, or if it is too long, its beginning and a checksum of the whole name."""
    text = text.replace("!", "/not-")
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 9]}.{zlib.crc32(text.encode()):08x}"
