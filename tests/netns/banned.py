"""The configuration that bans the phone from a vendor, and what each client must find then."""

from monitor.lab.lab import Lab


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
