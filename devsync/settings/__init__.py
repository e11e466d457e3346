"""The typed loader of config/ and of the environment: one module a file, and every mistake told with its cure."""
