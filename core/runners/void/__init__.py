"""Netflix's VOID, both passes, on the components of diffusers; nothing is fetched or executed at run time."""
