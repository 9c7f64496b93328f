"""HTTP to writes and reads, one file a resource."""
