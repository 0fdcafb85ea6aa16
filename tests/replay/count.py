#!/usr/bin/env python3
"""Counts a clickstream straight from its CSV, with nothing but Python's standard library.

    python3 tests/replay/count.py ecom.csv.gz

This is the second opinion that `cargo xtask demo --replay` compares Headwater's answers with. It shares no code and
no intermediate file with the product, and it defines every number by itself:

events            rows
users             distinct values of user_id
client_sessions   distinct values of session_id
sessions          per user, in time order: a row more than 30 minutes after the one before it begins a new session
                  (exactly 30:00 does not)
pageviews         every row is one page view; by its event name, and by its UTC day
"""

import collections
import csv
import datetime
import gzip
import json
import sys

GAP = datetime.timedelta(minutes=30)


def sessions(times):
    """How many sessions one user's visits make."""
    ordered = sorted(times)
    breaks = sum(later - earlier > GAP for earlier, later in zip(ordered, ordered[1:]))
    return 1 + breaks if ordered else 0


def count(rows):
    times = collections.defaultdict(list)
    names, days = collections.Counter(), collections.Counter()
    client_sessions = set()
    for row in rows:
        at = datetime.datetime.fromisoformat(row["timestamp"])
        times[row["user_id"]].append(at)
        client_sessions.add(row["session_id"])
        names[row["event"]] += 1
        days[at.date().isoformat()] += 1
    return {
        "events": sum(names.values()),
        "users": len(times),
        "sessions": sum(sessions(visits) for visits in times.values()),
        "client_sessions": len(client_sessions),
        "pageviews_by_name": dict(sorted(names.items())),
        "pageviews_by_day": dict(sorted(days.items())),
    }


def main(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        json.dump(count(csv.DictReader(text)), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
