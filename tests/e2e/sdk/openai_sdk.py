"""Drives openai-python, unmodified, and prints one JSON object of what the program saw.

Base URL and key come from the SDK's own environment variables; nothing else is configured.
Usage: openai_sdk.py SCENARIO [MODEL]
"""

import json
import sys

import openai

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "notify": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]

client = openai.OpenAI()


def ask(text):
    return [{"role": "user", "content": text}]


def chat(model):
    answer = client.chat.completions.create(model=model, messages=ask("hello there"))
    reach = client.chat.completions.create(model=model, messages=ask("how do I reach the customer?"))
    return {
        "text": answer.choices[0].message.content,
        "finish": answer.choices[0].finish_reason,
        "model": answer.model,
        "tokens": answer.usage.total_tokens,
        "reach": reach.choices[0].message.content,
    }


def stream(model):
    pieces, finish, tokens = [], None, None
    events = client.chat.completions.create(
        model=model,
        messages=ask("how do I reach the customer?"),
        stream=True,
        stream_options={"include_usage": True},
    )
    for event in events:
        if event.usage is not None:
            tokens = event.usage.total_tokens
        for choice in event.choices:
            if choice.delta.content:
                pieces.append(choice.delta.content)
            finish = choice.finish_reason or finish
    return {"text": "".join(pieces), "pieces": len(pieces), "finish": finish, "tokens": tokens}


def tools(model):
    question = ask("what is the weather in Oslo?")
    answer = client.chat.completions.create(model=model, messages=question, tools=TOOLS)
    message = answer.choices[0].message
    call = message.tool_calls[0]
    question.append(message.model_dump(exclude_none=True))
    question.append({"role": "tool", "tool_call_id": call.id, "content": "4 degrees"})
    last = client.chat.completions.create(model=model, messages=question, tools=TOOLS)
    return {
        "id": call.id,
        "name": call.function.name,
        "arguments": json.loads(call.function.arguments),
        "finish": answer.choices[0].finish_reason,
        "last": last.choices[0].message.content,
    }


def tools_stream(model):
    calls, finish = {}, None
    for event in client.chat.completions.create(
        model=model, messages=ask("what is the weather in Oslo?"), tools=TOOLS, stream=True
    ):
        for choice in event.choices:
            finish = choice.finish_reason or finish
            for delta in choice.delta.tool_calls or []:
                call = calls.setdefault(delta.index, {"id": None, "name": None, "arguments": ""})
                call["id"] = delta.id or call["id"]
                if delta.function:
                    call["name"] = delta.function.name or call["name"]
                    call["arguments"] += delta.function.arguments or ""
    call = calls[0]
    return {**call, "arguments": json.loads(call["arguments"]), "finish": finish, "calls": len(calls)}


def embed(model):
    texts = ["quarterly revenue by region", "a recipe for apple pie"]
    by_default = client.embeddings.create(model=model, input=texts)
    as_float = client.embeddings.create(model=model, input=texts, encoding_format="float")
    one, other = by_default.data[0].embedding, as_float.data[0].embedding
    return {
        "count": len(by_default.data),
        "dimensions": len(one),
        "difference": max(abs(a - b) for a, b in zip(one, other, strict=True)),
        "norm": sum(a * a for a in one) ** 0.5,
        "similarity": sum(a * b for a, b in zip(one, by_default.data[1].embedding, strict=True)),
        "tokens": by_default.usage.total_tokens,
    }


def status_of(call):
    """The status with which a call is refused."""
    try:
        call()
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def kept(model):
    """Makes one of everything that the server keeps, uses it, and says what this caller sees of it."""
    text = client.files.create(file=("notes.txt", b"Ask erika@mustermann.example"), purpose="user_data")
    rows = "\n".join(
        json.dumps(
            {
                "custom_id": f"call-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": model, "messages": ask("I am erika@mustermann.example")},
            }
        )
        for number in range(2)
    )
    calls = client.files.create(file=("calls.jsonl", rows.encode()), purpose="batch")
    batch = client.batches.create(
        input_file_id=calls.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    fetched = client.batches.retrieve(batch.id)
    results = client.files.content(fetched.output_file_id).text
    first = client.responses.create(model=model, input="hello there")
    streamed, final = [], None
    for event in client.responses.create(
        model=model, input="and now?", previous_response_id=first.id, stream=True
    ):
        if event.type == "response.output_text.delta":
            streamed.append(event.delta)
        if event.type == "response.completed":
            final = event.response
    again = client.responses.retrieve(first.id)
    conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "hello"}])
    store = client.vector_stores.create(name="notes")
    client.vector_stores.files.create(store.id, file_id=text.id)
    found = list(client.vector_stores.search(store.id, query="who?"))
    gone = client.files.create(file=("gone.txt", b"x"), purpose="user_data")
    deleted = client.files.delete(gone.id).deleted
    return {
        "ids": {
            "file": text.id,
            "calls": calls.id,
            "results": fetched.output_file_id,
            "batch": batch.id,
            "response": first.id,
            "conversation": conversation.id,
            "store": store.id,
        },
        "files": [file.id for file in client.files.list(limit=2)],
        "batches": [one.id for one in client.batches.list()],
        "stores": [one.id for one in client.vector_stores.list()],
        "content": client.files.content(text.id).text,
        "results": [json.loads(line) for line in results.splitlines()],
        "text": first.output_text,
        "again": again.output_text,
        "streamed": "".join(streamed),
        "pieces": len(streamed),
        "final": final.output_text,
        "model": first.model,
        "found": [part.text for one in found for part in one.content],
        "deleted": deleted,
        "gone": status_of(lambda: client.files.retrieve(gone.id)),
    }


def reach(ids):
    """What becomes of each way to things whose ids somebody else made."""
    ids = json.loads(ids)
    ways = {
        "file": lambda: client.files.retrieve(ids["file"]),
        "content": lambda: client.files.content(ids["file"]),
        "results": lambda: client.files.content(ids["results"]),
        "delete": lambda: client.files.delete(ids["file"]),
        "batch": lambda: client.batches.retrieve(ids["batch"]),
        "run": lambda: client.batches.create(
            input_file_id=ids["calls"], endpoint="/v1/chat/completions", completion_window="24h"
        ),
        "response": lambda: client.responses.retrieve(ids["response"]),
        "go-on": lambda: client.responses.create(
            model=ids["model"], input="and now?", previous_response_id=ids["response"]
        ),
        "conversation": lambda: client.conversations.retrieve(ids["conversation"]),
        "talk": lambda: client.responses.create(
            model=ids["model"], input="and now?", conversation=ids["conversation"]
        ),
        "store": lambda: client.vector_stores.retrieve(ids["store"]),
        "search": lambda: client.vector_stores.search(ids["store"], query="who?"),
        "tool": lambda: client.responses.create(
            model=ids["model"],
            input="who?",
            tools=[{"type": "file_search", "vector_store_ids": [ids["store"]]}],
        ),
        "list": lambda: client.files.list(after=ids["file"]),
    }
    return {"ways": {name: status_of(way) for name, way in ways.items()}, "files": [f.id for f in client.files.list()]}


def models(_):
    return {"ids": sorted(model.id for model in client.models.list())}


def refused(model):
    """What a program is told when a call is refused, and how often the SDK tried."""
    tries = []
    counting = openai.OpenAI(http_client=None, max_retries=2)
    send = counting._client.send

    def counted(*args, **kwargs):
        tries.append(1)
        return send(*args, **kwargs)

    counting._client.send = counted
    try:
        counting.chat.completions.create(model=model, messages=ask("hello there"))
    except openai.APIStatusError as error:
        details = error.body.get("gatewright", {}) if isinstance(error.body, dict) else {}
        return {
            "exception": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "message": error.message,
            "request": details.get("request"),
            "rule": details.get("rule"),
            "header": error.response.headers.get("x-gatewright-request-id"),
            "limits": {
                name: error.response.headers[name]
                for name in error.response.headers
                if "ratelimit" in name or name in ("retry-after", "x-should-retry")
            },
            "tries": len(tries),
        }
    return {"exception": None}


SCENARIOS = {
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "tools-stream": tools_stream,
    "embed": embed,
    "kept": kept,
    "reach": reach,
    "models": models,
    "refused": refused,
}

result = SCENARIOS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else None)
print(json.dumps({"version": openai.__version__, **result}))
