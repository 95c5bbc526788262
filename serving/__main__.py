"""`python -m serving > docs/openapi.json` writes the description of the API that is committed and diffed."""

import json
import sys

from serving.app import create_app

if __name__ == "__main__":
    json.dump(create_app().openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
