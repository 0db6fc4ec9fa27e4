"""From recordings and their texts to batches: manifests, corpora, checks, features, samplers."""
