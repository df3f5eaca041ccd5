"""Pure measurement: a clip or a manuscript in, measurements out."""
