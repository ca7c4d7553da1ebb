FROM python:3.11-slim

# git clones what analyze_codebase looks at; the fonts are for PDF in scripts beyond Latin, Greek and Cyrillic.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/*

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MCPCHAT_VAR=/var/lib/mcpchat

WORKDIR /app
# Before the code, so that a change of the code installs nothing anew.
COPY requirements.txt .
# What one installation needs beside that, separated by spaces, such as django-storages[s3]==1.14.6
ARG EXTRA_PACKAGES=""
RUN pip install -r requirements.txt ${EXTRA_PACKAGES}

COPY . .
# The code belongs to root: what runs cannot change it. Compiled now, because it could not store that either.
# The folder of a volume must be there with its owner, which the volume takes over.
RUN python -m compileall -q manage.py mcpchat_project exports_app agents_app sessions_app \
    && useradd --system --user-group --uid 10001 --home-dir /var/lib/mcpchat --shell /usr/sbin/nologin mcpchat \
    && install -d -m 700 -o mcpchat -g mcpchat /var/lib/mcpchat /var/lib/mcpchat/media
USER mcpchat

EXPOSE 8000
CMD ["python", "-m", "uvicorn", "mcpchat_project.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-per-message-deflate", "false", "--no-access-log", "--log-level", "warning"]
