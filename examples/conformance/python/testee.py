#!/usr/bin/python3
"""A testee of the conformance suite on Debian's Python and python3-cryptography.

It reads one request a line and answers each with one line; see
conformance/README.md. The operations stand in ops_*.py.
"""

import json
import sys
import traceback

import ops_add
import ops_core
import ops_trust
from actprofile.refusal import Refused, Unsupported
from actprofile.values import time_parse

OPERATIONS = {**ops_core.OPERATIONS, **ops_add.OPERATIONS, **ops_trust.OPERATIONS}
FEATURES = ["ed25519", "es256", "status-grace"]


def answer(request):
    operation = OPERATIONS.get(request["operation"])
    if operation is None:
        return {"outcome": "skipped", "reason": "this operation is not implemented"}
    try:
        clock, _ = time_parse(request["clock"])
        return {"outcome": "valid", "output": operation(clock, request["input"])}
    except Refused as refused:
        return {"outcome": "invalid", "code": refused.code}
    except Unsupported as reason:
        return {"outcome": "skipped", "reason": str(reason)}
    except Exception as fault:  # a fault of ours is no refusal
        traceback.print_exc()
        return {"outcome": "error", "message": repr(fault)[:200]}


def main():
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["type"] == "bye":
            return
        if request["type"] == "hello":
            reply = {"type": "hello", "name": "python", "version": "1.0",
                     "operations": sorted(OPERATIONS), "features": FEATURES}
        else:
            reply = {"type": "result", "seq": request["seq"], **answer(request)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
