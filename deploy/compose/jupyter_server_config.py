"""JupyterLab in Compose: the token is a secret of the installation, and the log shows the address with it."""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter's own
c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - of the container
c.ServerApp.port = 8888
c.ServerApp.open_browser = False
c.IdentityProvider.token = Path("/run/secrets/jupyter_token").read_text("utf-8")
c.ServerApp.custom_display_url = f"http://localhost:{os.environ['JUPYTER_PORT']}/lab?token={c.IdentityProvider.token}"
