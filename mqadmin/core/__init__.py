"""What all pages share: rights, the audit log, operations, the frame of the pages, the API's plumbing."""
