"""VITS (Kim, Kong and Son 2021): the system official, Piper and transformers checkpoints are read into."""
