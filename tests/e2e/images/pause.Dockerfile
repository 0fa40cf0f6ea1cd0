# Holds a pod's network namespace.
ARG BASE
FROM ${BASE}
CMD ["sleep", "infinity"]
