"""A model server that needs data: it reads what the call that it answers may read, and nothing else.

    rag_server.py PORT GATEWAY      its own identity token in WORKLOAD_TOKEN, a PostgreSQL client's path in PSQL

Every question is answered with what its call's datasets say. Of a call that names none it answers that.
"""

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import chromadb

PORT, GATEWAY = int(sys.argv[1]), sys.argv[2]
HOST, GATEWAY_PORT = GATEWAY.split(":")


# recipe: from a vector database
def documents(call_token, workload_token):
    headers = {"Authorization": f"Bearer {call_token}", "x-gatewright-workload": workload_token}
    client = chromadb.HttpClient(host=HOST, port=int(GATEWAY_PORT), headers=headers)
    return client.get_collection("public-docs", embedding_function=None).get(limit=1)["documents"]


# recipe: from a relational one
def rows(call_token, workload_token):
    form = urllib.parse.urlencode({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": call_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "requested_token_type": "urn:gatewright:token-type:postgresql",
        "scope": "sales-rows",
    })
    request = urllib.request.Request(f"http://{GATEWAY}/token", form.encode())
    request.add_header("Authorization", f"Bearer {workload_token}")
    lent = json.load(urllib.request.urlopen(request, timeout=10))
    place = lent["postgresql"]
    environment = {"PGHOST": place["host"], "PGPORT": str(place["port"]), "PGDATABASE": place["dbname"],
                   "PGUSER": place["user"], "PGPASSWORD": lent["access_token"]}
    command = [os.environ["PSQL"], "-XAt", "-c", "SELECT region || ' ' || amount FROM sales ORDER BY region"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()
# recipe: end


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        call_token, own = self.headers.get("x-call-token"), os.environ["WORKLOAD_TOKEN"]
        said = "no datasets"
        if call_token:
            said = json.dumps({"documents": documents(call_token, own), "rows": rows(call_token, own)})
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "rag", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Server).serve_forever()
