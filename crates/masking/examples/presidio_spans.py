"""Presidio's findings by its patterns alone, without a model, in the rows that the corpus's evaluator reads.

    python3 -m venv target/presidio
    target/presidio/bin/pip install 'presidio-analyzer==2.2.366'
    target/presidio/bin/python crates/masking/examples/presidio_spans.py < masking-dev.jsonl > presidio.jsonl
"""

import json
import sys
import time

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

# The corpus's names for what both look for.
TYPES = {
    "EMAIL_ADDRESS": "EMAIL",
    "CREDIT_CARD": "CREDIT_CARD",
    "US_SSN": "US_SSN",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP_ADDRESS",
    "MAC_ADDRESS": "MAC_ADDRESS",
    "CRYPTO": "CRYPTO",
    "UK_NINO": "UK_NINO",
}


class NoModel(NlpEngine):
    """Says nothing about a text: no entities, no lemmas, so that patterns and check digits alone decide."""

    def __init__(self):
        self.blank = spacy.blank("en")

    def load(self):
        pass

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        return NlpArtifacts([], self.blank(""), [], [], self, language)

    def process_batch(self, texts, language, **_):
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word, language):
        return False

    def is_punct(self, word, language):
        return False

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["en"]


def analyzer():
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    for name in ("SpacyRecognizer", "StanzaRecognizer", "TransformersRecognizer"):
        registry.remove_recognizer(name)
    # These two are not among what is on by default in English.
    from presidio_analyzer.predefined_recognizers import MacAddressRecognizer, UkNinoRecognizer

    present = {recognizer.name for recognizer in registry.recognizers}
    for recognizer in (MacAddressRecognizer(), UkNinoRecognizer()):
        if recognizer.name not in present:
            registry.add_recognizer(recognizer)
    print("recognizers:", ", ".join(sorted(r.name for r in registry.recognizers)), file=sys.stderr)
    return AnalyzerEngine(registry=registry, nlp_engine=NoModel(), supported_languages=["en"], default_score_threshold=0)


def main():
    engine = analyzer()
    size, begun = 0, time.process_time()
    for line in sys.stdin:
        row = json.loads(line)
        found = engine.analyze(row["text"], language="en", entities=list(TYPES))
        spans = [{"start": f.start, "end": f.end, "type": TYPES[f.entity_type]} for f in found]
        print(json.dumps({"id": row["id"], "spans": spans, "unit": "char"}))
        size += len(row["text"].encode())
    took = time.process_time() - begun
    print(f"{size} bytes in {took:.1f} s of processor time: {size / took / 1e6:.2f} MB/s", file=sys.stderr)


main()
