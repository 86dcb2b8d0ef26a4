"""The running platform: its folders, its generated configuration, its processes."""
