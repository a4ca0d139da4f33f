"""What an upload may be refused for, in words for people."""

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

FORMATS = "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF"


class UploadRefusedError(Exception):
    """A file that is not taken: a stable code, and one sentence that says what is wrong and what to do."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = refusal(code)


def refusal(code: str) -> str:
    """The sentence for a refusal's code in the active language."""
    limit_megapixels = settings.UPLOAD_MAX_PIXELS // 1_000_000
    sentences = {
        "empty": _("The file is empty. Please choose another one."),
        "too_many_bytes": _("The file is larger than %(limit)s. Please choose a smaller one.")
        % {"limit": filesizeformat(settings.UPLOAD_MAX_BYTES)},
        "not_a_picture": _("This is not a picture that we can read. Please choose one of: %(formats)s.")
        % {"formats": FORMATS},
        "format_not_accepted": _("Pictures of this format are not accepted. Please choose one of: %(formats)s.")
        % {"formats": FORMATS},
        "damaged": _("The picture is damaged, or stored in a way that we cannot read. Please export it again."),
        "too_many_pixels": _("The picture has more than %(limit)d megapixels. Please scale it down first.")
        % {"limit": limit_megapixels},
        "no_memory": _("The server has no room for such a large picture right now. Please try again later."),
        "too_slow": _(
            "Reading the picture took longer than %(limit)d seconds. Please scale it down, or export it again."
        )
        % {"limit": settings.DECODER_SECONDS},
        "decoder_died": _("Reading the picture broke off. Please export it again, as JPEG or PNG."),
        "busy": _("Too many of your pictures are being read at this moment. Please upload this one again."),
        "no_decoder": _("The server cannot read pictures right now. Please try again later."),
        "not_stored": _("The picture could not be stored on the server. Please try again later."),
        "too_small": _("The picture is too small to be analyzed. Please choose a larger one."),
        "no_file": _("No file came with the upload. Please choose at least one picture."),
        "too_many_files": _("At most %(limit)d files can be uploaded at once. Please choose fewer.")
        % {"limit": settings.UPLOAD_MAX_FILES},
        "request_too_large": _("At most %(limit)s can be uploaded at once. Please choose fewer files.")
        % {"limit": filesizeformat(settings.UPLOAD_MAX_REQUEST_BYTES)},
        "too_many_unfinished": _(
            "At most %(limit)d of your pictures can wait at once. Please come back when some are finished."
        )
        % {"limit": settings.MAX_UNFINISHED_PER_USER},
        "too_many_today": _("At most %(limit)d pictures can be uploaded within a day. Please come back tomorrow.")
        % {"limit": settings.MAX_UPLOADS_PER_DAY},
        "too_many_pictures": _("At most %(limit)d of your pictures can be kept. Please delete some first.")
        % {"limit": settings.MAX_PICTURES_PER_USER},
        "no_room_left": _("Your pictures may take %(limit)s at most. Please delete some first.")
        % {"limit": filesizeformat(settings.MAX_BYTES_PER_USER)},
        "bad_upload_id": _("The upload was not numbered as it should be. Please reload the page and try again."),
        "unknown_model": _("This model is not offered. Please choose another one."),
        "unknown_priority": _("This priority is not offered. Please choose low, normal or high."),
        "no_model": _("No model is ready yet. Please ask an administrator."),
    }
    return sentences[code]


CODES = (
    *("empty", "not_a_picture", "format_not_accepted", "damaged", "too_small"),
    *("too_many_bytes", "too_many_pixels", "no_file", "too_many_files", "request_too_large"),
    *("too_slow", "decoder_died", "no_memory", "busy", "no_decoder", "not_stored"),
    *("too_many_unfinished", "too_many_today", "too_many_pictures", "no_room_left"),
    *("bad_upload_id", "unknown_model", "unknown_priority", "no_model"),
)
