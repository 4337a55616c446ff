"""Parts of make_demo.py."""
