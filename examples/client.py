"""Ask the service with a stock Triton client: python examples/client.py "345+872=" [ADDRESS]."""

import sys

import numpy as np
import tritonclient.grpc as triton

prompt, address = sys.argv[1], (sys.argv[2:] or ["127.0.0.1:8001"])[0]
text = triton.InferInput("text_input", [1, 1], "BYTES")
text.set_data_from_numpy(np.array([[prompt.encode()]], dtype=object))
with triton.InferenceServerClient(address) as client:
    answer = client.infer("assistant", [text], parameters={"task": "addition", "deadline_ms": 400})
size = answer.get_response().model_name
print(f"{size} says {answer.as_numpy('text_output')[0, 0].decode()!r}")
