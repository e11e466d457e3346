"""What each library's exceptions mean, one module a library or layer; `runtime.classification` has the table."""
