"""A mail server that keeps what it gets: as much of RFC 5321 as a mailer needs."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """Where it listens, and what came; `full` refuses every message."""

    port: int = 0
    full: bool = False
    messages: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server on a free port, for as long as the block runs."""
    mailbox = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say(b"220 ready")
            while line := self.rfile.readline():
                match line[:4].upper():
                    case b"QUIT":
                        return self._say(b"221 bye")
                    case b"MAIL" if mailbox.full:
                        self._say(b"452 no room")
                    case b"DATA":
                        self._say(b"354 go on")
                        mailbox.messages.append(self._message())
                        self._say(b"250 kept")
                    case _:
                        self._say(b"250 fine")
            return None

        def _say(self, text: bytes) -> None:
            self.wfile.write(text + b"\r\n")

        def _message(self) -> EmailMessage:
            lines: list[bytes] = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            return message_from_bytes(b"".join(lines), policy=policy.default)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        mailbox.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()
