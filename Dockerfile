# syntax=docker/dockerfile:1
# The server in an image without a shell: `docker build --tag holdfast .` (BuildKit). How it is run: docs/deployment.md.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# `holdfast version` names it; the checkout itself stays outside.
ARG HOLDFAST_COMMIT=""
# What was compiled before is kept between builds; the program leaves the cache in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --profile dist --package holdfast-server --bin holdfast \
    && install -D -m 0755 target/dist/holdfast /out/usr/local/bin/holdfast \
    && install -D -m 0644 LICENSE* -t /out/usr/share/doc/holdfast \
    && install -d -m 0700 /out/var/lib/holdfast

# glibc, libgcc, time zones and the roots of authorities; no shell and no package manager. 65532 is its user `nonroot`.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build --chown=65532:65532 /out/var/lib/holdfast /var/lib/holdfast
COPY --from=build /out/usr /usr
# The one place that an SQLite file may lie in. With PostgreSQL nothing is written anywhere: `--read-only` holds.
WORKDIR /var/lib/holdfast
ENV ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
USER 65532:65532
# Readiness turns 503 and requests in flight finish; give it 30 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["/usr/local/bin/holdfast", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/holdfast"]
CMD ["serve"]
