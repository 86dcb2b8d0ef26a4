"""What the platform's HTTP services share; it knows none of them."""
