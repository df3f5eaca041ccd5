"""What makes outputs: a specification and input files in, output files and a manifest out."""
