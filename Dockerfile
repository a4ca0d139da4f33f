# The application as an image: `docker build .`, or `docker build --build-arg GPU=1 .` for machines with an NVIDIA GPU.
# Run by itself it is `manage.py start`, everything in one container; docker-compose.yml takes it apart.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:b18992999dbe963a45a8a4da40ac2b1975be1a776d939d098c647482bcad5cba

FROM ${PYTHON_IMAGE} AS packages
ARG GPU=0
# PyTorch's own index has a build without CUDA, a twentieth of the size; every other package is held to its hash.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /build
COPY requirements.lock requirements-torch.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock
RUN if [ "$GPU" = 1 ]; then \
      pip install --require-hashes --no-deps --requirement requirements-torch.lock; \
    else \
      grep --only-matching --extended-regexp '^torch(vision)?==[^ ;]+' requirements-torch.lock > versions.txt \
      && pip install --no-deps --index-url "$TORCH_INDEX" --requirement versions.txt; \
    fi && pip check

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin application \
    && install --directory --owner 10001 --group 10001 --mode 0750 \
       /srv/imageanalysis/data /srv/imageanalysis/media /srv/imageanalysis/weights /srv/imageanalysis/incoming
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV DATA_DIR=/srv/imageanalysis/data MEDIA_ROOT=/srv/imageanalysis/media WEIGHTS_DIR=/srv/imageanalysis/weights
ENV BIND=0.0.0.0:8000
ENV STATIC_ROOT=/srv/imageanalysis/static STATIC_STORAGE=imageanalysis.static_storage.LastingCopies
ENV WHITENOISE_USE_FINDERS=false
WORKDIR /app
COPY . .
RUN python -m compileall -q . && DATA_DIR=/tmp/build python manage.py collectstatic --no-input && rm -r /tmp/build
USER 10001:10001
EXPOSE 8000
CMD ["python", "manage.py", "start"]
