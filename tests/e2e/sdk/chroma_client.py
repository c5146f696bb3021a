"""Chroma's own client, unmodified, through the gateway: only the address and the token are set.

    chroma_client.py HOST PORT SCENARIO [WORD...]      the token in CHROMA_TOKEN

Prints one JSON value: what came back, or the exception that the client raised.
"""

import json
import os
import sys

import chromadb
import httpx

HOST, PORT, SCENARIO, *WORDS = sys.argv[1:]
HEADERS = {"Authorization": f"Bearer {os.environ['CHROMA_TOKEN']}"}

DOCUMENTS = {
    "cat": "The cat sleeps on the warm window sill.",
    "engine": "The diesel engine needs new injectors.",
    "bread": "Bake the sourdough bread for forty minutes.",
    "rain": "Heavy rain is expected in the mountains. Ask erika.mustermann@example.com.",
}
OWNERS = {"cat": "sales", "engine": "hr", "bread": "sales", "rain": "hr"}


def embed(texts, kind):
    """Vectors of a real model, asked for through the same gateway."""
    body = {"model": "e5", "input": [f"{kind}: {text}" for text in texts]}
    answer = httpx.post(f"http://{HOST}:{PORT}/v1/embeddings", json=body, headers=HEADERS, timeout=60)
    answer.raise_for_status()
    return [item["embedding"] for item in answer.json()["data"]]


def client():
    return chromadb.HttpClient(host=HOST, port=int(PORT), headers=HEADERS)


def collection(name):
    return client().get_collection(name, embedding_function=None)


def fill(name):
    made = client().create_collection(name, embedding_function=None, metadata={"about": "tests"})
    ids = list(DOCUMENTS)
    texts = list(DOCUMENTS.values())
    owners = [{"team": OWNERS[key]} for key in ids]
    made.add(ids=ids, documents=texts, metadatas=owners, embeddings=embed(texts, "passage"))
    return {"id": str(made.id), "name": made.name, "count": made.count()}


def query(name, text, most="10"):
    found = collection(name).query(
        query_embeddings=embed([text], "query"), n_results=int(most), include=["documents", "metadatas", "distances"]
    )
    return {"ids": found["ids"][0], "documents": found["documents"][0], "metadatas": found["metadatas"][0]}


def get(name, limit="0", offset="0"):
    found = collection(name).get(limit=int(limit) or None, offset=int(offset) or None)
    return {"ids": found["ids"], "documents": found["documents"]}


def vectors(name):
    found = collection(name).get(include=["embeddings"])
    # Of none at all the client makes an array without a dimension.
    has = getattr(found["embeddings"], "ndim", 0) > 0
    return {"ids": found["ids"], "vectors": len(found["embeddings"]) if has else None}


def add(name, key):
    collection(name).add(ids=[key], documents=["A new document."], embeddings=embed(["A new document."], "passage"))
    return {}


def upsert(name, key):
    collection(name).upsert(ids=[key], documents=["Changed."], embeddings=embed(["Changed."], "passage"))
    return {}


def delete(name, key):
    return collection(name).delete(ids=[key])


SCENARIOS = {
    "service": lambda: {
        "heartbeat": client().heartbeat() > 0,
        "version": client().get_version(),
        "batch": client().get_max_batch_size(),
    },
    "list": lambda: sorted(found.name for found in client().list_collections()),
    "list-count": lambda: client().count_collections(),
    "fill": fill,
    "query": query,
    "get": get,
    "vectors": vectors,
    "count": lambda name: collection(name).count(),
    "describe": lambda name: {"name": collection(name).name, "metadata": collection(name).metadata},
    "add": add,
    "upsert": upsert,
    "delete": delete,
    "rename": lambda name, other: collection(name).modify(name=other),
    "drop": lambda name: client().delete_collection(name),
    "ensure": lambda name: client().get_or_create_collection(name, embedding_function=None).name,
}

try:
    told = {"told": SCENARIOS[SCENARIO](*WORDS)}
except Exception as error:  # noqa: BLE001
    told = {"exception": type(error).__name__, "message": str(error)}
print(json.dumps(told))
