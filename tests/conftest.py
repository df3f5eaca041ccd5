"""What every test can ask for; see `tests/support`."""

pytest_plugins = ["support.isolation", "support.requirements", "support.databases", "support.studio", "support.vlm"]
