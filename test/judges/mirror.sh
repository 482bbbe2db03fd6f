#!/bin/bash
# Prints the Debian archive that this machine's apt uses for its main packages.
set -euo pipefail
apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v -e security | head -n 1 | sed 's:/$::'
