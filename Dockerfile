# One image for all services; the command chooses: `docker run … python -m upload_service.main`.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /packages
COPY pyproject.toml requirements.lock ./
COPY .ci/locked.py .ci/sbom .ci/
COPY dither_engine/__init__.py dither_engine/
# pip and the program that writes the bill of materials stay behind.
RUN python3 -m venv /tools \
 && python3 .ci/locked.py cyclonedx-bom > tools.txt \
 && /tools/bin/pip install --no-cache-dir --require-hashes -r tools.txt \
 && python3 -m venv --without-pip /venv \
 && python3 .ci/locked.py server > requirements.txt \
 && /tools/bin/pip --python /venv/bin/python install --no-cache-dir --require-hashes -r requirements.txt \
 && .ci/sbom /tools/bin /venv > /venv/sbom.cdx.json

FROM ${PYTHON_IMAGE}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/cache/kernels \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=packages /venv /venv
COPY dither_engine dither_engine
# Numba's cache compares the source's modification time; a pushed image keeps only whole seconds.
RUN find dither_engine -name '*.py' -exec touch -d @0 {} + \
 && mkdir -p "$NUMBA_CACHE_DIR" "$DATA_DIR" \
 && python -m dither_engine --warm \
 && chown -R 10001:10001 "$NUMBA_CACHE_DIR" "$DATA_DIR"
COPY deploy/entrypoint /entrypoint
COPY shared shared
COPY dither_service dither_service
COPY upload_service upload_service
COPY notification_service notification_service
COPY api_gateway api_gateway
COPY frontend frontend
RUN python -m compileall -q .

USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health\", timeout=4)"]
ENTRYPOINT ["/entrypoint"]
CMD ["python", "-m", "api_gateway.main"]
