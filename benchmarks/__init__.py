"""Measurements side by side with docker's own tools. Figures are ratios."""
