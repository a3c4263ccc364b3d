# The worker. Build: docker build -t course-generator .
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1

WORKDIR /app

# First what changes seldom, so that it is built seldom.
COPY requirements.txt .
RUN pip install --disable-pip-version-check -r requirements.txt

COPY alembic.ini app.py schema.sql test_publisher.py test_database.py ./
COPY migrations migrations
COPY samples samples
COPY src src

RUN useradd --system --uid 10001 worker \
    && mkdir -p /data/courses \
    && chown worker /data/courses
USER worker

ENV OUTPUT_DIR=/data/courses \
    HEALTH_HOST=0.0.0.0 \
    HEALTH_PORT=8080 \
    LOG_FORMAT=json
VOLUME /data/courses
EXPOSE 8080

# Longer than WORKER_GRACE: docker stop --time 40. Compose has stop_grace_period.
STOPSIGNAL SIGTERM
# /live, not /ready: a broker that is away or a quota that is used up is not cured by a new container.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/live', timeout=2)"]

ENTRYPOINT ["python", "app.py"]
