# rotd alone in an image: a static binary, the CA certificates it trusts AWS by, and a user that is not root.
#
#   docker run -v rotd-state:/var/lib/rotd -v ./rotd.yaml:/etc/rotd/rotd.yaml:ro rotd
#
# `make image` passes the version in; GO_IMAGE may name a copy of the Go image elsewhere.

ARG GO_IMAGE=golang:1.26

FROM ${GO_IMAGE} AS builder
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY internal internal
ARG VERSION=devel
ARG COMMIT=unknown
ARG DATE=unknown
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags timetzdata \
    -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT} -X main.date=${DATE}" \
    -o /out/rotd ./cmd/rotd
# What rotd writes to has to exist and belong to its user: a volume mounted there takes over both.
RUN install -d -o 65532 -g 65532 -m 0700 /out/state && install -d -o 65532 -g 65532 -m 0750 /out/run

FROM scratch
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /out/rotd /rotd
COPY --from=builder --chown=65532:65532 /out/state /var/lib/rotd
COPY --from=builder --chown=65532:65532 /out/run /run/rotd
USER 65532:65532
VOLUME /var/lib/rotd
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/rotd", "health"]
ENTRYPOINT ["/rotd"]
CMD ["run", "--config", "/etc/rotd/rotd.yaml"]
