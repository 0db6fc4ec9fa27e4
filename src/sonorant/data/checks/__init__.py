"""What can be said against an utterance, and how it is found."""
