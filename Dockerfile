# A server of one bundle: see docs/serve.md.
# What is installed is what `requirements/lock` wrote down, each file by its hash. To pin the base
# too: docker build --build-arg PYTHON=python:3.12-slim@sha256:...
ARG PYTHON=python:3.12-slim
FROM ${PYTHON} AS build
WORKDIR /build
COPY requirements ./requirements
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && pip install --no-cache-dir --require-hashes --prefix=/installed -r requirements/image.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir --no-deps --no-build-isolation --prefix=/installed .

FROM ${PYTHON}
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
