"""A client with Chrome's own TLS and QUIC: HTTP/3 that falls back to TCP, and ECH; a program in a client's namespace.

    python chrome.py URL --address A [--http3] [--ech LIST] [--authority FILE] [--seconds S] [--source-port N]

Prints one JSON object. LIST is an ECHConfigList in base64: the true name is then inside, and only the list's public
name can be read on the wire. `--ech grease` sends the noise that browsers send without one.
"""

import argparse
import json
import sys
from io import BytesIO
from urllib.parse import urlsplit

from curl_cffi import Curl, CurlError, CurlHttpVersion, CurlInfo, CurlOpt

IMPERSONATED = "chrome131"


def fetch(options: argparse.Namespace) -> dict[str, object]:
    curl = Curl()
    body = BytesIO()
    curl.impersonate(IMPERSONATED)
    version = CurlHttpVersion.V3 if options.http3 else CurlHttpVersion.V1_1
    host = urlsplit(options.url).hostname
    settings = {
        CurlOpt.URL: options.url.encode(),
        CurlOpt.RESOLVE: [f"{host}:443:{options.address}".encode()],
        CurlOpt.HTTP_VERSION: version,
        CurlOpt.CAINFO: options.authority.encode(),
        CurlOpt.TIMEOUT_MS: int(options.seconds * 1000),
        CurlOpt.WRITEDATA: body,
        CurlOpt.PROXY: b"",
        CurlOpt.LOCALPORT: options.source_port,
    }
    if options.ech:
        settings[CurlOpt.ECH] = b"grease" if options.ech == "grease" else b"ecl:" + options.ech.encode()
    if host == options.address:
        del settings[CurlOpt.RESOLVE]
    for option, value in settings.items():
        curl.setopt(option, value)
    code, error = 0, ""
    try:
        curl.perform()
    except CurlError as failure:
        code, error = int(failure.code), str(failure)
    return {
        "code": code,
        "error": error,
        "status": curl.getinfo(CurlInfo.RESPONSE_CODE),
        "received": len(body.getvalue()),
        "seconds": curl.getinfo(CurlInfo.TOTAL_TIME),
        "version": curl.getinfo(CurlInfo.HTTP_VERSION),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--address", required=True)
    parser.add_argument("--http3", action="store_true")
    parser.add_argument("--ech", default="")
    parser.add_argument("--authority", default="")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--source-port", type=int, default=0)
    result = fetch(parser.parse_args())
    print(json.dumps(result))
    return 0 if result["status"] == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
