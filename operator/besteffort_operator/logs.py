"""How the operator logs: lines for people, or JSON for machines; and how much of kopf is heard."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

__all__ = ["set_up_logs"]

TEXT = "%(asctime)s %(levelname)-7s %(message)s"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object without line breaks."""
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


def set_up_logs(log_format: str) -> None:
    """Log to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    # It warns that it does not catch signals in its thread: they are ours.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    # It reports each attempt of each watch; our own calls say when the API server is away.
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)
