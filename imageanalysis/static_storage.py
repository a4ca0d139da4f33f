"""The copies of static files that browsers keep for good."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class LastingCopies(CompressedManifestStaticFilesStorage):
    """Compressed, under names that change with their content; also of the modules that our scripts import.

    Otherwise a page of a new release would run modules of the one before for a while. Django's own support for imports
    looks at the scripts of all packages, and stumbles over one that stands in a comment.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((r"""(?P<matched>(?P<word>from|import) "(?P<url>\./\w+\.js)";)""", '%(word)s "%(url)s";'),)),
    )
    max_post_process_passes = 10  # a name is settled one pass after those of all that it imports
