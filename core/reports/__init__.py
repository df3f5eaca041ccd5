"""The dossier: one document, rendered as PDF and HTML, and sealed."""
