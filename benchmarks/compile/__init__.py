"""The compiler beside `docker stack config`."""
