"""Every sentence about weights that did not come, by code: what is wrong and what to do."""

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "no_network": _(
        "The server that has the weights cannot be reached. Check the network and the proxy of the worker's machine "
        "and fetch them again; without internet, copy the file from another machine."
    ),
    "cut_off": _("The connection broke again and again. What has arrived is kept: fetch the rest."),
    "stalled": _("The server fell silent again and again. What has arrived is kept: fetch the rest."),
    "timeout": _("It took longer than it may. What has arrived is kept: fetch the rest."),
    "wrong_hash": _(
        "What arrived is not the published file, its SHA-256 is another one, so it was deleted. Fetch it again; should "
        "the same happen again, something on the way changes downloads."
    ),
    "changed": _("The server's file changed during the download. Fetch it again."),
    "size_mismatch": _("The server contradicts itself about the file's size. Fetch it again later."),
    "unverifiable": _("The server does not say the file's SHA-256, so nobody could check it. Fetch it by the command."),
    "insecure": _("The server sends elsewhere, without https. Fetch the file by the command, from another address."),
    "untrusted": _(
        "The server did not prove who it is. Check the clock and the certificates of the worker's machine; a proxy in "
        "between has to be one that it trusts."
    ),
    "not_found": _(
        "The file is no longer where its library says. Update the application, or fetch the file by the command, from "
        "another address."
    ),
    "refused": _("The server does not hand the file out now. Fetch it again later."),
    "disk_full": _("The disk has no room for the weights. Make room; what has arrived is kept: fetch the rest."),
    "not_writable": _(
        "The worker cannot write into its folder of weights. Let it write there (WEIGHTS_DIR), then fetch them again."
    ),
    "busy": _("Another process of the worker's machine is fetching them. How far it is, only that one says."),
    "worker_lost": _("The worker that fetched them has stopped. What has arrived is kept: fetch the rest."),
    "internal_error": _("Something went wrong on our side. Look into the worker's log and fetch them again."),
}


def sentence(code: str) -> str:
    return str(SENTENCES.get(code, SENTENCES["internal_error"]))
