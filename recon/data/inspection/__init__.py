"""What a folder of data holds, shown and checked."""
