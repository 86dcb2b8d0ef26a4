"""What earlier versions of the platform wrote, read by this one."""
