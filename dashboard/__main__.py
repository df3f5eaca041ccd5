"""`python -m dashboard`: serve the dashboard."""

import sys

from dashboard.app import main

sys.exit(main())
