"""Training with Lightning: the task, its losses, and what a run leaves behind."""
