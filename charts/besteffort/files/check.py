"""Ask the operator at URL whether it is ready: then it reaches the API server, which knows BestEffortService."""

import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
    print("the operator is ready:", answer.status)
