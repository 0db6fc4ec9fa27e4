"""A voice: everything inference needs. Never imports training or data."""
