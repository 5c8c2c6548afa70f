"""What it takes to use a trained network where scans happen, in what scanners and archives speak. Research use only."""
