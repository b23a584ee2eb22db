"""`python -m client.viewer BUILD SITE`: make the static folder of the viewer of OHIF's build."""

import argparse
import sys
from pathlib import Path

from client.errors import ClientError
from client.viewer.site import make_site

parser = argparse.ArgumentParser(prog="python -m client.viewer", description=__doc__)
parser.add_argument("build", type=Path, help="folder dist of the package @ohif/app")
parser.add_argument("site", type=Path, help="folder to make; what is there goes")
arguments = parser.parse_args()
try:
    make_site(arguments.build, arguments.site)
except ClientError as error:
    sys.exit(f"error: {error}")
