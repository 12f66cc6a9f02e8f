# One image for everything: webserver, daemon, code location, runs, report and MLflow's server, in ECS and in Compose.
# Targets: `runtime` (the default), `notebook` (JupyterLab) and `store` (Compose's S3). Sizes: docs/deployment.md.

# To pin the base: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1
# A user of no name and no home is as welcome (--user), and the root file system may be read-only: what libraries want
# to write for themselves goes to /tmp.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp celec
ENV HOME=/tmp LOGNAME=celec MPLCONFIGDIR=/tmp/matplotlib

FROM base AS libraries
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

FROM libraries AS code
COPY requirements-dev.txt .
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.txt > setuptools.txt \
    && pip install --require-hashes -r setuptools.txt
COPY pyproject.toml README.md requirements.txt ./
COPY celec_assets celec_assets
RUN pip install --no-deps --no-build-isolation --prefix /code .

FROM libraries AS notebook-libraries
COPY deploy/compose/requirements-notebook.txt .
RUN pip install --require-hashes --prefix /notebook -r requirements-notebook.txt

# What nobody calls in a container stays behind: pip, and the tests of the largest libraries, a tenth of the image. pip
# owns these; in an image that is never changed by it, nothing misses them.
FROM libraries AS slim
WORKDIR /opt/venv/lib/python3.11/site-packages
RUN find numpy pandas pyarrow scipy sklearn -type d -name tests -prune -exec rm -r {} + \
    && pip uninstall --yes setuptools pip

FROM base AS platform
ENV PATH=/opt/venv/bin:$PATH
COPY --from=slim /opt/venv /opt/venv
# A broken Stan backend fails here, not in the first run.
RUN python -c "import pandas as pd, prophet; \
    days = pd.DataFrame({'ds': pd.date_range('2024-01-01', periods=60), 'y': range(60)}); \
    assert prophet.Prophet().fit(days).params['k'].size == 1" \
    && rm -r /tmp/*
# What is started without settings works in /data, as in a clone: mount a folder there. Production names its own
# DAGSTER_HOME: /opt/celec/deploy. BLAS would start a thread for each core of the machine, of which a container mostly
# has less than one.
RUN install --directory --mode 1777 /data \
    && install --directory --owner celec --group celec /run/secrets /srv/celec \
        /var/lib/celec/compute_logs
ENV DAGSTER_HOME=/opt/celec OPENBLAS_NUM_THREADS=1
WORKDIR /data
# Fargate has no tmpfs. Its empty volume takes over the rights of this folder, and would otherwise be root's alone.
VOLUME /tmp
USER 10001
COPY dagster.yaml /opt/celec/
COPY deploy /opt/celec/deploy
COPY --from=code /code /opt/venv

FROM platform AS notebook
COPY --from=notebook-libraries /notebook /opt/venv
COPY --chown=10001:10001 notebooks /opt/celec/notebooks

FROM base AS store
WORKDIR /data
COPY deploy/compose/requirements-store.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements-store.txt && rm requirements-store.txt \
    && install --directory --owner celec --group celec /data /run/secrets
USER 10001

FROM platform AS runtime
