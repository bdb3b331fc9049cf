"""The configuration that bans the phone from a vendor, and what each client must find then."""

from typing import Final

from monitor.lab.lab import Lab

# The sni layer ends a flow after its ClientHello passed: a short answer may be there before the daemon had its turn.
# This path takes two seconds, so that a flow that is cut never ends by itself.
LONG: Final = "/bytes/200000?rate=100000"
REFUSED: Final = 7  # curl's exit code where it could not connect
RESET: Final = (35, 55, 56)  # curl's exit codes for a reset: in the handshake, while it sent, while it received
QUIC_SECONDS: Final = 4.0  # a client of QUIC gives up on a cut connection then, and an open one is through with LONG


def configuration(lab: Lab, flows: str = "conntrack", more: str = "", mode: str = "enforce") -> str:
    return (
        f'[capture]\ninterfaces = ["br-lan"]\nflows = "{flows}"\n\n'
        f'[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n\n'
        f'[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "{mode}"\nreason = "Policy 7"\n{more}\n'
    )


def works(lab: Lab) -> bool:
    phone = lab.client("phone")
    answer = phone.dig("www.tiktok.com", port=33_444, options=["+time=1"])
    return answer.good and phone.curl("https://www.tiktok.com/", seconds=2).good
