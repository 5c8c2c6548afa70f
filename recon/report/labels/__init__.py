"""Reports of networks that find labels: how accurate they are, and whether a shift of the image changes the label."""
