"""Names of sets, chains and counters in the kernel, made of the words of the configuration.

nft takes letters, digits, `/`, `-`, `_` and `.` in a name that begins with a letter; the words of the configuration
have all but `/`, which therefore separates them, and `!`, for which `/not-` stands.
"""

import zlib
from typing import Final

# Half of what the kernel takes (NFT_NAME_MAXLEN is 256), and still something to read.
LONGEST: Final = 120


def kernel_name(text: str) -> str:
    """The name as it is, or where it is too long its beginning and a checksum of all of it."""
    text = text.replace("!", "/not-")
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 9]}.{zlib.crc32(text.encode()):08x}"
