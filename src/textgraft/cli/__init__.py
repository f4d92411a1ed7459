"""The command line: thin shells over functions; one file a command."""
