"""A small plan of one event and one funnel, which tests change to see what is said of it."""

from pathlib import Path

import pytest

EVENT = "events/application/withdrawn/1-0-0.json"
FUNNEL = "funnels/short.yaml"

# The expected lines in the tests count from here: keep one key a line.
EVENT_TEXT = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "funnelhouse:events/application/withdrawn/1-0-0",
  "type": "object",
  "properties": {
    "product": {"type": "string", "maxLength": 64},
    "stage": {"type": "string", "enum": ["registered", "document_passed"]},
    "days": {"type": "integer", "minimum": 0},
    "code": {"type": "string", "pattern": "^(a+)+$"},
    "email": {"type": "string", "format": "email", "x-personal": true},
    "contacts": {"type": "array", "items": {"type": "object", "properties": {
      "phone": {"type": "string", "x-personal": true}
    }}}
  },
  "required": ["product"],
  "examples": [
    {"product": "nbcamp", "stage": "registered"}
  ]
}
"""

FUNNEL_TEXT = """funnel: short
title: Short
title_ko: 단일 지원
product: nbcamp
version: 1
valid_from: 2024-01-01
stages:
  - stage: left
    label_ko: 지원철회
    event: withdrawn
    where:
      - property: stage
        in: [registered, document_passed]
      - property: days
        gte: 3
  - stage: left_late
    label_ko: 늦은 철회
    any_of: [withdrawn]
    terminal: withdrawn
    lead: true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the small plan, which has no fault."""
    for file, text in ((EVENT, EVENT_TEXT), (FUNNEL, FUNNEL_TEXT)):
        path = tmp_path / file
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path
