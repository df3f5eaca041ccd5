"""Studies: manuscripts as values, the pre-specified protocol, the sandbox, the graph of roles, runs made elsewhere."""
