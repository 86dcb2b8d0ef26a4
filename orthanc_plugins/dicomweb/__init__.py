"""DICOMweb (PS3.18) as this server speaks it; what it does not do itself is asked of the stock plugin."""
