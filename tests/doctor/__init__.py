"""`neuronova doctor`, on real parts."""
