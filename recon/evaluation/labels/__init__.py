"""Protocols for networks that give labels: to images, or to each of their pixels."""
