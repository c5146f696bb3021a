"""What notifications are sent to over HTTP: a webhook's receiver, a fake Slack, a fake workflow of Microsoft Teams.

Webhooks are verified by the vendor's own library. Every request becomes a line of JSON in LOG. What is answered stands in
ANSWERS/NAME, where NAME is the path's first part: one line for each request, `STATUS [RETRY-AFTER]`, `hang` or `redirect`;
without one it is 200.
Usage: notify_receiver.py PORT LOG ANSWERS   (WEBHOOK_SECRET in the environment)
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

port, log, answers = int(sys.argv[1]), sys.argv[2], sys.argv[3]
lock = threading.Lock()


def answer_of(name):
    path = os.path.join(answers, name)
    with lock:
        try:
            with open(path) as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return "200"
        if not lines:
            return "200"
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in lines[1:]))
        return lines[0]


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        name = self.path.strip("/").split("/")[0]
        answer = answer_of(name)
        seen = {"path": self.path, "headers": headers, "body": body.decode(), "answer": answer, "at": time.time()}
        if "webhook-id" in headers:
            try:
                Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, headers)
                seen["verified"] = True
            except WebhookVerificationError as error:
                seen["verified"] = str(error)
        with lock, open(log, "a") as file:
            file.write(json.dumps(seen) + "\n")
        if answer == "hang":
            time.sleep(30)
            return
        said, extra = b"", {}
        if answer == "redirect":
            status, extra = 307, {"location": f"http://127.0.0.1:{port}/elsewhere"}
        else:
            words = answer.split()
            status = int(words[0])
            if len(words) > 1:
                extra["retry-after"] = words[1]
        if name == "slack" and status == 200:
            said = json.dumps(self.slack(body)).encode()
        self.send_response(status)
        for key, value in extra.items():
            self.send_header(key, value)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def slack(self, body):
        if self.headers.get("authorization") != "Bearer xoxb-canary-token":
            return {"ok": False, "error": "invalid_auth"}
        if self.path.endswith("/users.info"):
            user = urllib.parse.parse_qs(body.decode())["user"][0]
            confirmed = user != "U0UNVERIFIED"
            profile = {"email": "Carol@Corp.example"}
            return {"ok": True, "user": {"id": user, "team_id": "T0CORP", "is_email_confirmed": confirmed, "profile": profile}}
        return {"ok": True, "ts": "1700000000.000100"}

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


server = Server(("127.0.0.1", port), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
