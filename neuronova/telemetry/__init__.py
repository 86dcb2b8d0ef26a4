"""What every process tells of its work: lines of its log, and spans of traces. Knows only the contract."""
