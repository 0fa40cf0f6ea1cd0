"""Ask the operator whether it is ready, and the API server whether it knows BestEffortService: URL and FOLDER."""

import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path

ready_url, folder = sys.argv[1], Path(sys.argv[2])
with urllib.request.urlopen(ready_url, timeout=10) as answer:
    print("the operator is ready:", answer.status)

server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
request = urllib.request.Request(server + "/apis/serving.besteffort.dev/v1alpha1")
request.add_header("Authorization", "Bearer " + (folder / "token").read_text())
trust = ssl.create_default_context(cafile=str(folder / "ca.crt"))
with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
    kinds = {resource["kind"] for resource in json.load(answer)["resources"]}
if "BestEffortService" not in kinds:
    sys.exit("the API server does not know BestEffortService: install the chart with crds.install=true")
print("the API server knows BestEffortService")
