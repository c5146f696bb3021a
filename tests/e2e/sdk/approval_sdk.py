"""Calls a model once with openai-python, unmodified, and prints one JSON object of what the program saw.

Base URL and key come from the SDK's own environment variables; retries are the SDK's own.
Usage: approval_sdk.py whole|stream MODEL TEXT
"""

import json
import sys

import openai

how, model, text = sys.argv[1:4]
client = openai.OpenAI()
messages = [{"role": "user", "content": text}]
try:
    if how == "stream":
        pieces = [
            event.choices[0].delta.content or ""
            for event in client.chat.completions.create(model=model, messages=messages, stream=True)
            if event.choices
        ]
        seen = {"text": "".join(pieces), "pieces": len(pieces)}
    else:
        seen = {"text": client.chat.completions.create(model=model, messages=messages).choices[0].message.content}
except openai.APIStatusError as error:
    details = error.body.get("gatewright", {}) if isinstance(error.body, dict) else {}
    seen = {
        "error": type(error).__name__,
        "status": error.status_code,
        "code": error.code,
        "message": str(error),
        "details": details,
        "decision": error.response.headers.get("x-gatewright-decision"),
    }
print(json.dumps(seen))
