"""What picture files tell beside their pixels, and how to have them tell less without touching the pixels."""
