"""How fast Millrace is, each figure beside the least the machine needs for it. `make bench`; see README.md."""
