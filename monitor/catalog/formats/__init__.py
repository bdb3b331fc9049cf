"""The formats that user lists come in, one file each; every one reads a line at a time and never fails."""
