"""What `jeton demo --json` printed: addresses and credentials."""

import json
import os

with open(os.environ["JETON_DEMO"], encoding="utf-8") as line:
    DEMO = json.load(line)
