# The application image: worker, dashboard, CLI and migrations share it. The wheel ships `devsync` alone; this is the checkout.
FROM python:3.11-slim-bookworm

# git reads the teams' mirrors when GitHub does not answer, over ssh as well.
RUN apt-get update && apt-get install --yes --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

COPY requirements/uv.txt requirements/worker.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/uv.txt \
    && uv pip install --system --no-cache --compile-bytecode --require-hashes -r requirements/worker.txt

COPY worker.py starter.py ./
COPY devsync devsync
COPY workflows workflows
COPY activities activities
COPY dashboard dashboard
COPY commands commands
COPY templates templates
COPY config config
# Compiled here: the image is read-only to its user; every start, and every run of a workflow, would compile anew.
RUN python -m compileall -q .

ENV MIRRORS_DIR=/var/cache/devsync
RUN useradd --system --no-create-home devsync && install --directory --owner=devsync /var/cache/devsync
USER devsync
# Gives running work its grace: worker.py exits 0 on SIGTERM.
STOPSIGNAL SIGTERM
CMD ["python", "worker.py"]
