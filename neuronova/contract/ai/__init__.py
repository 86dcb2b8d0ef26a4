"""Which model runs on which series: rules, series and what the first say of the second. Pure."""
