"""What the platform is measured against: ratios from one run, side by side with a named peer."""
