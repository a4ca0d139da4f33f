"""The staff's desk: Django's admin with a dashboard, in the product's frame."""
