"""Cases of an experiment tool's bucketing as exposures: who was asked about, and the answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

# Where the unit stands in a case: the value that is hashed, else the name of the case.
_UNIT_AT = {"hash": 1, "getBucketRange": 0, "chooseVariation": 0}


def calls(file: Path) -> Iterator[dict[str, Any]]:
    """One "Experiment Viewed" a case of a function, the case as it is among its properties.

    The function is the experiment, and the answer, which ends each case, the variation: a bucket,
    the ranges, or the number of the variation, in JSON.
    """
    document = orjson.loads(file.read_bytes())
    for function, unit_at in _UNIT_AT.items():
        for number, case in enumerate(document[function], 1):
            yield {
                "type": "track",
                "event": "Experiment Viewed",
                "messageId": f"bucketing-{function}-{number}",
                "anonymousId": case[unit_at],
                "properties": {
                    "experiment_id": function,
                    "variation_id": orjson.dumps(case[-1]).decode(),
                    "case": case,
                },
            }
