"""The inference service from outside: arrays that somebody sends in a request."""
