"""Ask the service with a stock Triton client."""

import argparse
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("prompt", help='for example "345+872="')
parser.add_argument("address", nargs="?", default="127.0.0.1:8001", help="HOST:PORT, 127.0.0.1:8001 when left out")
parser.add_argument("--model", default="assistant", help="the service's model name, assistant when left out")
parser.add_argument("--task", help="one of spec.tasks: how good each size is at it, the service knows")
asked = parser.parse_args()
text = triton.InferInput("text_input", [1, 1], "BYTES")
text.set_data_from_numpy(np.array([[asked.prompt.encode()]], dtype=object))
parameters = {"deadline_ms": 400} | ({"task": asked.task} if asked.task else {})
try:
    with triton.InferenceServerClient(asked.address) as client:
        answer = client.infer(asked.model, [text], parameters=parameters)
except InferenceServerException as error:
    sys.exit(f"No answer from {asked.address}: {error.message()}")
size = answer.get_response().model_name
print(f"{size} says {answer.as_numpy('text_output')[0, 0].decode()!r}")
