"""The mailer, run as cron would run it, with a mail server that keeps what it gets."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from features.log import Record
from serving.client import Client
from tests.clients.conftest import Keys
from tests.clients.pages import ROOT, SHOWN, snippet
from tests.clients.smtp import mail_server
from tests.serving.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def cron(server: Server, keys: Keys, tmp_path: Path) -> Callable[[int], "subprocess.CompletedProcess[str]"]:
    """Runs the command of the crontab's line once, in a folder with the files that the page names."""
    minutes, *fields = snippet("mailer.md", "crontab").split(maxsplit=5)
    assert re.fullmatch(r"\*/\d+", minutes)
    assert fields[:4] == ["*"] * 4
    command = fields[4].strip().replace("/srv/shop", str(tmp_path)).replace("python ", f"{sys.executable} -W error ")
    (tmp_path / "abandoned.py").write_text(snippet("mailer.md", "abandoned.py"))
    (tmp_path / "customers.csv").write_text("user_id,email\nu_mail,reader@shop.example\nu_left,other@shop.example\n")
    setting = snippet("mailer.md", "service.env").replace(SHOWN, server.url).replace("sk_…", keys.secret)

    def run(smtp_port: int) -> "subprocess.CompletedProcess[str]":
        changed = setting.replace("localhost", "127.0.0.1").replace("SMTP_PORT=25", f"SMTP_PORT={smtp_port}")
        (tmp_path / "service.env").write_text(changed)
        told = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(["sh", "-c", command], env=told, capture_output=True, text=True, timeout=300, check=False)

    return run


def test_who_left_a_cart_is_written_to_once_and_kairos_knows(
    cron: Callable[[int], "subprocess.CompletedProcess[str]"],
    left_behind: Callable[[str], None],
    logged: Callable[[str], list[Record]],
    kairos: Client,
) -> None:
    for user_id in ("u_mail", "u_left", "u_unknown"):
        left_behind(user_id)
    kairos.consents.create(subject={"user_id": "u_left"}, channel="email", consent="withdrawn")
    with mail_server() as mailbox:
        mailbox.full = True
        refused = cron(mailbox.port)
        assert refused.returncode == 1
        assert "no room" in refused.stderr
        mailbox.full = False
        first, again = cron(mailbox.port), cron(mailbox.port)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    (message,) = mailbox.messages
    assert message["To"] == "reader@shop.example"
    assert "- tea-1" in message.get_content()
    (sent,) = [record for record in logged("u_mail") if record.type == "message_sent"]
    assert str(message["Message-ID"]).strip("<>").partition("@")[0] in sent.payload
    for user_id in ("u_left", "u_unknown"):
        assert not [record for record in logged(user_id) if record.type == "message_sent"]
