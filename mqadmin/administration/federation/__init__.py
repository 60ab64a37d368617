"""Federation: links, upstreams, sets of upstreams."""
