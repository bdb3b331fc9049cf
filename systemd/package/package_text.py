"""The generated text files of the package."""

CONTROL = """\
Package: gatewatch
Version: {version}
Architecture: {architecture}
Maintainer: The gatewatch authors <gatewatch@localhost>
Section: net
Priority: optional
Installed-Size: {kilobytes}
Depends: {python}, libc6, libnftables1, init-system-helpers (>= 1.54), systemd | systemd-standalone-sysusers
Recommends: ca-certificates
Suggests: prometheus, grafana
Description: shows which vendors each device behind a gateway talks to
 gatewatch runs on a Linux gateway. It watches DNS and flow metadata of the
 network behind it, attributes every byte to a vendor with evidence, exports
 the result to Prometheus and, if an administrator asks for it, bans vendors
 network-wide. It decrypts nothing and needs no software on the devices.
"""

# -I: neither the environment nor the current directory changes what is imported.
LAUNCHER = """\
#!/usr/lib/gatewatch/bin/python3 -I
import sys

from monitor.cli.main import main

sys.exit(main())
"""

PYVENV = """\
home = /usr/bin
include-system-site-packages = false
version = {version}
"""

CHANGE = """\
gatewatch ({version}) stable; urgency=medium

  * See changelog.gz for the changes.

 -- The gatewatch authors <gatewatch@localhost>  Thu, 01 Jan 2026 00:00:00 +0000
"""
