"""A real SMTP server (aiosmtpd) that takes mail over STARTTLS from whoever has signed in, and keeps it as JSON lines.

Usage: notify_mail.py PORT LOG CERTIFICATE KEY   (MAIL_PASSWORD in the environment)
"""

import email
import email.policy
import json
import os
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, log, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


class Keep:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "signed_in": session.authenticated,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "parts": parts,
            "raw": envelope.content.decode("utf-8", "replace"),
        }
        with open(log, "a") as file:
            file.write(json.dumps(kept) + "\n")
        return "250 kept"


def sign_in(server, session, envelope, mechanism, data):
    good = data.login == b"gatewright" and data.password == os.environ["MAIL_PASSWORD"].encode()
    return AuthResult(success=good)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
controller = Controller(
    Keep(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
    authenticator=sign_in, auth_required=True,
)
controller.start()
print(port, flush=True)
threading.Event().wait()
