"""The nginx of docs/operations.md in front of an application, and what it is told to add."""

import getpass
import grp
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
from django.conf import settings

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Server, free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
WITHOUT = "nginx is not installed: apt-get install nginx-light"
MEDIA = "/srv/imageanalysis/media/"
AROUND = """
user {user} {group}; daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  proxy_temp_path {folder}/sent; client_body_temp_path {folder}/taken;
  fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
  {around}
  server {{
    listen 127.0.0.1:{port} rcvbuf=64k;
    set $application {bind};
    {documented}
  }}
}}
"""


def documented() -> str:
    """What docs/operations.md tells administrators to put into their nginx."""
    (block,) = re.findall(
        r"```nginx\n(.*?)```", (settings.BASE_DIR / "docs" / "operations.md").read_text(encoding="utf-8"), re.DOTALL
    )
    return str(block)


class Nginx(Server):
    """The documented proxy before the application at `bind`; `around` is put before its server."""

    def __init__(self, folder: Path, bind: str, *, media: Path, around: str = "") -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        block = documented()
        assert MEDIA in block
        text = AROUND.format(
            folder=folder,
            port=self.port,
            around=around,
            bind=bind,
            documented=block.replace(MEDIA, f"{media}/"),
            user=getpass.getuser(),
            group=grp.getgrgid(os.getgid()).gr_name,
        )
        (folder / "nginx.conf").write_text(text, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(NGINX), "-p", self.folder, "-c", self.folder / "nginx.conf"], stderr=subprocess.DEVNULL
        )
        until(self._answers, lambda: (self.folder / "errors").read_text(encoding="utf-8"))

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").is_success
        except httpx.TransportError:
            return False
