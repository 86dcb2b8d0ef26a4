"""Long runs that prove the whole platform.

`chaos` under faults, `load` under many users, `soak` over time, and `scale` in archives of years.
"""
