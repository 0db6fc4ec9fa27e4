"""Corpora in shards: tar files read whole, one after another, for what one disk or random access cannot serve."""
