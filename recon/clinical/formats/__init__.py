"""The formats of what is reconstructed: each module finds the volumes that a file or folder holds."""
