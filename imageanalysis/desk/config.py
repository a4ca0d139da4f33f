from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin with our site as the one that everything registers with."""

    default_site = "imageanalysis.desk.site.Desk"
