# A stock Triton client and `besteffort load`, as an application of a user would have them.
ARG BASE

FROM ${BASE} AS build
WORKDIR /src
COPY requirements/local.txt requirements/
RUN python3 -m venv /opt/client \
 && /opt/client/bin/pip install --no-cache-dir --only-binary=:all: --require-hashes -r requirements/local.txt
COPY pyproject.toml README.md LICENSE ./
COPY protos protos
COPY operator operator
COPY router router
COPY cli cli
COPY learning learning
RUN /opt/client/bin/pip install --no-cache-dir --no-deps --no-index --no-build-isolation .

FROM ${BASE}
COPY --from=build /opt/client /opt/client
COPY examples/client.py examples/demo/prompts.jsonl examples/demo/trace.csv /opt/demo/
COPY tests/e2e/images/steady.py /opt/demo/
ENV PATH=/opt/client/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp
USER 1000:1000
CMD ["sleep", "infinity"]
