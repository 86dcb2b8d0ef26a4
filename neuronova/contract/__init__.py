"""What the plugin and the service must agree on: pure values and readers, no I/O."""
