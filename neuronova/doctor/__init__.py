"""What `neuronova doctor` looks at: one file a subject, each check a function that returns findings."""
