# A server of one bundle: see docs/serve.md.
FROM python:3.12-slim AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir --prefix=/installed ".[serve,postgres]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home penchant
COPY --from=build /installed /usr/local
ENV NUMBA_CACHE_DIR=/tmp/numba PYTHONUNBUFFERED=1
USER penchant
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["penchant"]
CMD ["serve", "/data/films.penchant", "--host", "0.0.0.0"]
