"""Results: what is written of them, published, judged and taken back."""
