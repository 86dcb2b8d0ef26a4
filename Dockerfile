# The platform in one container, installed by the same script as `make run`.
FROM debian:trixie-slim

RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates git nodejs npm python3 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/neuronova
COPY install.sh ./
RUN ./install.sh system && rm -rf /var/lib/apt/lists/*
COPY . .
RUN ./install.sh python celery viewer

RUN useradd --uid 10001 --create-home neuronova && install -d -o neuronova -g neuronova -m 700 /data /metrics /prometheus
USER neuronova
ENV NEURONOVA_DATA=/data NEURONOVA_BIND=0.0.0.0
VOLUME /data
EXPOSE 8080 4242
# Encoded images and the database are flushed while it ends.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --start-period=30s \
    CMD python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=5)"
CMD [".venv/bin/neuronova", "run"]
