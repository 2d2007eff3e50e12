"""Published TCP ports: connections go to healthy tasks, and a stopping task is drained before it is told to stop."""
