"""The ASGI application: pages and REST over HTTP, the feed over websockets."""

import os
import warnings

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpchat_project.settings")
# WhiteNoise hands small static files over as plain iterators; Django reads them into memory, which is fine.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
http = get_asgi_application()

# Models can be imported only after Django is set up, which the line above does.
from mcpchat_project.bodies import BoundedBodies  # noqa: E402
from mcpchat_project.websocket_auth import WebsocketAuth  # noqa: E402
from sessions_app.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": BoundedBodies(http), "websocket": WebsocketAuth(URLRouter(websocket_urlpatterns))}
)
