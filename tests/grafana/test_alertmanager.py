"""`grafana/alertmanager.yml`: its routes, and an alert that a real Alertmanager sends to a mail server and to Slack."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from expressions import FOLDER, alerts

pytestmark = pytest.mark.programs

CONFIGURATION = FOLDER / "alertmanager.yml"
READY_SECONDS = 60.0
LABELS = ("vendor=bytedance", "group=students", "instance=gateway:10053")
SUMMARY = "The ban of bytedance for students does not hold"


def amtool(*arguments: str) -> str:
    tool = shutil.which("amtool")
    assert tool, "amtool is in Debian's package prometheus-alertmanager"
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIGURATION))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_critical_alerts_go_to_mail_and_slack_and_warnings_to_slack(alert: dict[str, Any]) -> None:
    severity = alert["labels"]["severity"]
    wanted = {"critical": "mail-and-slack", "warning": "slack"}[severity]
    words = (f"alertname={alert['alert']}", f"severity={severity}")
    receiver = amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *words)
    assert receiver.strip() == wanted


def test_the_rules_that_inhibit_name_alerts_that_exist() -> None:
    named = set(re.findall(r"alertname !?= (\w+)", CONFIGURATION.read_text()))
    assert named
    assert named <= {alert["alert"] for alert in alerts()}


def test_a_critical_alert_arrives_by_mail_and_in_slack(tmp_path: Path) -> None:
    asyncio.run(deliver(tmp_path))


async def deliver(folder: Path) -> None:
    mails: asyncio.Queue[str] = asyncio.Queue()
    posts: asyncio.Queue[str] = asyncio.Queue()
    mail_server = await asyncio.start_server(lambda *streams: receive_mail(mails, *streams), "127.0.0.1", 0)
    web_server = await asyncio.start_server(lambda *streams: receive_post(posts, *streams), "127.0.0.1", 0)
    api = free_port()
    write_configuration(folder, port_of(mail_server), port_of(web_server))
    program = shutil.which("prometheus-alertmanager")
    assert program, "prometheus-alertmanager is in Debian's package of that name"
    options = (f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}")
    listening = (f"--web.listen-address=127.0.0.1:{api}", "--cluster.listen-address=")
    with (folder / "log").open("wb") as log:
        running = await asyncio.create_subprocess_exec(program, *options, *listening, stdout=log, stderr=log)
    try:
        await until_it_listens(api)
        words = ("alertname=GatewatchBanBroken", "severity=critical", *LABELS)
        notes = (f"--annotation=summary={SUMMARY}", "--annotation=description=More than a megabyte leaked.")
        url = f"--alertmanager.url=http://127.0.0.1:{api}"
        await asyncio.to_thread(amtool, "alert", "add", url, *words, *notes)
        mail = await asyncio.wait_for(mails.get(), READY_SECONDS)
        post = json.loads(await asyncio.wait_for(posts.get(), READY_SECONDS))
    finally:
        running.terminate()
        await running.wait()
        mail_server.close()
        web_server.close()
    assert "network-team@example.org" in mail
    assert "GatewatchBanBroken" in mail
    assert post["channel"] == "#network"
    assert SUMMARY in post["attachments"][0]["text"]
    assert "GatewatchBanBroken" in post["attachments"][0]["title"]


def write_configuration(folder: Path, mail_port: int, web_port: int) -> None:
    """The shipped file with servers of this test, which know no TLS and no password, and without its waiting times."""
    text = CONFIGURATION.read_text()
    text = text.replace("mail.example.org:587", f"127.0.0.1:{mail_port}\n  smtp_require_tls: false")
    text = re.sub(r"^  smtp_auth_.*\n", "", text, flags=re.MULTILINE)
    (folder / "slack-url").write_text(f"http://127.0.0.1:{web_port}/hook")
    text = text.replace("/etc/prometheus/slack-url", str(folder / "slack-url"))
    text = text.replace("group_wait: 30s", "group_wait: 0s")
    (folder / "alertmanager.yml").write_text(text)


Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


async def receive_mail(mails: "asyncio.Queue[str]", reader: Reader, writer: Writer) -> None:
    """As much of a mail server as one message needs (RFC 5321 section 4.1)."""
    writer.write(b"220 test\r\n")
    lines: list[str] = []
    in_data = False
    while line := (await reader.readline()).decode():
        lines.append(line)
        verb = line.strip().upper()
        if in_data and line == ".\r\n":
            in_data = False
            mails.put_nowait("".join(lines))
            writer.write(b"250 ok\r\n")
        elif in_data:
            continue
        elif verb == "DATA":
            in_data = True
            writer.write(b"354 go on\r\n")
        elif verb == "QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 ok\r\n")
    writer.close()


async def receive_post(posts: "asyncio.Queue[str]", reader: Reader, writer: Writer) -> None:
    """One request with a body, answered as Slack does."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
    body = await reader.readexactly(int(length[1])) if length else b""
    posts.put_nowait(body.decode())
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    writer.close()


async def until_it_listens(port: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port
