"""Commands that turn marts into one HTML file, and copy them for BI tools."""
